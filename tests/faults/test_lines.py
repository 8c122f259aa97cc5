"""F01, F09–F16, F19: faults inside a line."""

import uuid
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from service import db
from service.formats.record import Record
from service.labels.records import load_records
from tests.faults.served import Dataset
from tests.service.intake.uploading import trl


def line(**row: Any) -> bytes:
    return orjson.dumps({"prompt": "p", "chosen": "a", "rejected": "b"} | row)


def raw(extra: bytes) -> bytes:
    """A good line with one more member, as bytes."""
    return b'{"prompt": "p", "chosen": "a", "rejected": "b", ' + extra + b"}"


def taken(dataset: Dataset, content: bytes, **options: Any) -> tuple[int, int, int]:
    upload = dataset.ingest(content, **options)
    assert upload["state"] == "ingested", upload["error"]
    return upload["rows_in"], upload["accepted"], upload["rejected"]


def codes(dataset: Dataset, *lines: bytes, **options: Any) -> list[tuple[int, str, str | None]]:
    """(line, code, field) of the rejects among these lines, which stand between good ones."""
    upload = dataset.ingest(b"\n".join([line(), *lines, line()]), **options)
    assert upload["accepted"] + upload["rejected"] == len(lines) + 2
    return [(each["line"], each["code"], each["field"]) for each in dataset.rejects(upload)]


def test_f01_a_deep_line(dataset: Dataset) -> None:
    content = trl(2) + b"[" * 100_000 + b"\n" + trl(2)
    refused = dataset.refusal(content, mode="atomic")
    assert (refused["status"], refused["errors"][0]["code"]) == (422, "json_too_deep")
    assert refused["errors"][0]["line"] == 3
    assert dataset.pairs() == []
    assert taken(dataset, content) == (5, 4, 1)
    assert dataset.look(content).json()["rejects"][0]["code"] == "json_too_deep"


NUMBERS = [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999"]
WORDS = [b'"NaN"', b'"inf"', b'"-Infinity"']


@pytest.mark.parametrize("number", NUMBERS + WORDS)
def test_f09_what_is_not_finite(dataset: Dataset, number: bytes) -> None:
    native = (
        b'{"messages": [{"role": "user", "content": "p"}], "responses": [{"id": "x", "text": "t"}],'
    )
    native += b' "ratings": [{"response": "x", "aspect": "help", "value": ' + number + b"}]}"
    good = native.replace(number, b"1")
    upload = dataset.ingest(b"\n".join([good, native, good]), layout="native")
    (reject,) = dataset.rejects(upload)
    assert (reject["line"], reject["code"]) == (2, "not_finite")


def test_f10_nul(dataset: Dataset) -> None:
    bad = [
        raw(b'"prompt2": "a\\u0000"'),
        raw(b'"a\\u0000": 1'),
        line(chosen="a\0"),
        line(prompt="\0"),
    ]
    assert [code for _, code, _ in codes(dataset, *bad)] == ["nul_character"] * 4
    replaced = b"\n".join([*bad, line(chosen="literal \\u0000")])
    assert taken(dataset, replaced, on_nul="replace") == (5, 5, 0)
    texts = [pair["chosen"]["text"] for pair in dataset.pairs()]
    assert "a\ufffd" in texts
    assert "literal \\u0000" in texts
    jobs = f"/api/v1/datasets/{dataset.id}/jobs"
    for path, body in (("/api/v1/datasets", {"name": "a\0b"}), (jobs, {"signals": ["\0"]})):
        assert dataset.api.post(path, json=body).status_code == 422
    for path in ("/api/v1/datasets/%00", "/api/v1/datasets?name=%00", "/api/v1/%00"):
        assert dataset.api.get(path).status_code in (400, 404, 422), path


def test_f11_lone_surrogates(dataset: Dataset) -> None:
    bad = [raw(b'"x": "\\ud800"'), raw(b'"\\udfff": 1'), raw(b'"x": "\xed\xa0\x80"')]
    assert [code for _, code, _ in codes(dataset, *bad)] == ["lone_surrogate"] * 3
    assert dataset.api.post("/api/v1/datasets", content=b'{"name": "\\ud800"}').status_code == 422
    for query in ("name=%ed%a0%80", "name=%ff", "cursor=%ed%a0%80"):
        assert dataset.api.get(f"/api/v1/datasets?{query}").status_code in (200, 400, 422), query


def test_f12_encodings_and_ends_of_lines(dataset: Dataset) -> None:
    one, two = line(prompt="one"), line(prompt="zwei: ü")
    for content in (
        b"\xef\xbb\xbf" + one + b"\n" + two, one + b"\r\n" + two + b"\r\n",
        b"\n\n" + one + b"\n \t\r\n" + two + b"\n\n",
    ):  # fmt: skip
        assert taken(dataset, content) == (2, 2, 0)
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        refused = dataset.refusal(two.decode().encode(encoding))
        assert (refused["code"], refused["byte"]) == ("not_utf8", 0)
    latin = two.decode().encode("latin-1")
    upload = dataset.ingest(one + b"\n" + latin)
    (reject,) = dataset.rejects(upload)
    assert (reject["code"], reject["line"]) == ("not_utf8", 2)
    assert f"byte {latin.index(0xFC)}" in reject["message"]


def test_f13_what_other_programs_take_for_the_end_of_a_line(dataset: Dataset) -> None:
    odd = "a\u2028b\u2029c\u0085d\u000be\u000cf"
    content = b"\n".join([line(prompt=odd, chosen=odd), line()])
    assert taken(dataset, content) == (2, 2, 0)
    pair = dataset.pairs()[0]
    assert pair["prompt"][0]["content"] == pair["chosen"]["text"] == odd


def stored(dataset: Dataset) -> list[Record]:
    """The records of the dataset, as they are read back."""
    with db.new_session() as session:
        return [record for _, _, record in load_records(session, uuid.UUID(dataset.id))]


def test_f14_keys(dataset: Dataset) -> None:
    twice = b'{"prompt": "p", "chosen": "a", "chosen": "c", "rejected": "b"}'
    inside = raw(b'"x": {"y": 1, "y": 2}')
    strange = raw(b'"__proto__": {"admin": true}, "constructor": 1, "unknown": [null]')
    assert [code for _, code, _ in codes(dataset, twice, inside, strange)] == ["duplicate_key"] * 2
    extra = {"__proto__": {"admin": True}, "constructor": 1, "unknown": [None]}
    assert [record.extra for record in stored(dataset)] == [{}, extra, {}]


@pytest.mark.parametrize(
    ("number", "found"),
    [
        (b"9223372036854775808", 2**63), (b"18446744073709551615", 2**64 - 1), (b"-0.0", 0.0),
        (b"1e30", 1e30), (b"1e-400", 0.0), (b"18446744073709551616", "out_of_range"),
        (b"1" + b"0" * 30, "out_of_range"), (b"1" + b"0" * 400, "not_finite"),
        (b"7" * 5000, "not_finite"), (b"-1e400", "not_finite"),
    ],
)  # fmt: skip
def test_f15_numbers_at_the_edges(dataset: Dataset, number: bytes, found: Any) -> None:
    upload = dataset.ingest(raw(b'"x": ' + number))
    if isinstance(found, str):
        assert [each["code"] for each in dataset.rejects(upload)] == [found]
    else:
        assert [record.extra["x"] for record in stored(dataset)] == [found]
    native = (
        b'{"messages": [{"role": "user", "content": "p"}], "responses": [{"id": "x", "text": "t"}],'
    )
    native += b' "ratings": [{"response": "x", "turn": ' + number + b', "value": 1}]}'
    upload = dataset.ingest(native, layout="native")
    assert (upload["state"], upload["rejected"]) == ("ingested", 1)


def test_f16_one_bad_line_among_100_000(dataset: Dataset) -> None:
    lines = trl(100_000).split(b"\n")[:-1]
    lines[73_411] = b'{"prompt": "p", "chosen": '
    content = b"\n".join(lines)
    refused = dataset.refusal(content, mode="atomic")
    assert (refused["code"], refused["rejected"], refused["rows_in"]) == (
        "rejected_rows",
        1,
        100_000,
    )
    assert [error["line"] for error in refused["errors"]] == [73_412]
    assert dataset.pairs() == []
    upload = dataset.ingest(content)
    assert (upload["accepted"], upload["rejected"]) == (99_999, 1)
    (reject,) = dataset.rejects(upload)
    assert (reject["line"], reject["raw"]) == (73_412, lines[73_411].decode())
    with db.new_session() as session:  # or the next query would be planned as for empty tables
        known = session.scalar(text("SELECT reltuples FROM pg_class WHERE relname = 'pairs'"))
    assert known is not None
    assert known >= 99_999


def test_f19_what_is_too_long(dataset: Dataset) -> None:
    keys = b",".join(b'"k%d": 1' % number for number in range(1_000_000))
    labels = b'{"messages": [{"role": "user", "content": "p"}], "responses": ['
    labels += b'{"id": "x", "text": "t"}], "ratings": ['
    labels += b",".join([b'{"response": "x", "value": 1}'] * 300_000) + b"]}"
    found = codes(dataset, line(prompt="x" * (64 << 20)), raw(keys))
    assert found == [(2, "line_too_long", None), (3, "too_many_fields", found[1][2])]
    assert taken(dataset, line(chosen="y" * 10_000_000)) == (1, 1, 0)
    upload = dataset.ingest(labels, layout="native")
    assert upload["rows_in"] in (1, None), upload
