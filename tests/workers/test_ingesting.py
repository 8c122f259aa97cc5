import gzip
import io
import uuid
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from service import files
from tests.service.intake.uploading import counts, ingested, new_dataset, post, rejects, trl
from tests.workers.stored import NOT_FINITE, orphans, rows

pytestmark = pytest.mark.usefixtures("rung")


def line(**row: Any) -> bytes:
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def ask(value: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": value}]


@pytest.mark.realdata
def test_hh_transcripts(client: TestClient, session: Session, data: Path) -> None:
    content = (data / "hh_harmless" / "test.jsonl.gz").read_bytes()
    upload = ingested(client, new_dataset(client), content)
    assert upload["layout"] == "hh"
    assert counts(upload) == (2312, 2312, 0, 2312)
    assert rows(session, "prompts", "comparisons") == {"prompts": 2310, "comparisons": 2312}
    several = """
    SELECT count(*) FROM pairs x JOIN responses c ON c.id = x.chosen_id
    JOIN responses d ON d.id = x.rejected_id
    WHERE jsonb_array_length(c.messages) > 1 OR jsonb_array_length(d.messages) > 1
    """
    assert session.scalar(text(several)) == 5
    empty = """
    SELECT count(*) FROM pairs x JOIN responses c ON c.id = x.chosen_id
    JOIN responses d ON d.id = x.rejected_id WHERE c.text = '' OR d.text = ''
    """
    assert session.scalar(text(empty)) == 4
    assert orphans(session) == 0


@pytest.mark.realdata
def test_native_records(client: TestClient, session: Session, data: Path) -> None:
    content = (data / "llmbar" / "natural_neighbor.jsonl.gz").read_bytes()
    read = [orjson.loads(row) for row in gzip.decompress(content).splitlines()]
    upload = ingested(client, new_dataset(client), content)
    assert upload["layout"] == "native"
    assert counts(upload)[:3] == (234, 234, 0)
    said = {
        name: sum(len(row.get(name, [])) for row in read) for name in ("comparisons", "ratings")
    }
    who = {
        (label["annotator_kind"], label["annotator"])
        for row in read
        for label in row["comparisons"] + row.get("ratings", [])
    }
    assert rows(session, *said, "annotators") == said | {"annotators": len(who)}
    assert orphans(session) == session.scalar(text(NOT_FINITE)) == 0
    assert session.scalar(text("SELECT count(*) FROM records WHERE gold IS NOT NULL")) == 234


def test_the_same_file_twice_adds_nothing(client: TestClient, session: Session) -> None:
    dataset = new_dataset(client)
    first = ingested(client, dataset, trl(3))
    before = rows(session)
    again = post(client, dataset, trl(3))
    assert (again.status_code, again.json()["upload"]["id"]) == (200, first["id"])
    assert rows(session) == before
    assert rows(session, "uploads", "jobs") == {"uploads": 1, "jobs": 1}


def test_the_same_texts_in_another_file_are_the_same_items(
    client: TestClient, session: Session
) -> None:
    dataset = new_dataset(client)
    ingested(client, dataset, trl(3))
    second = ingested(client, dataset, trl(4) + trl(1))
    assert counts(second) == (5, 5, 0, 5)
    assert rows(session, "prompts", "responses", "pairs", "comparisons") == {
        "prompts": 4, "responses": 8, "pairs": 8, "comparisons": 8,
    }  # fmt: skip
    contents = "SELECT count(DISTINCT content_id) FROM pairs"
    assert session.scalar(text(contents)) == 4


def test_ids_derive_from_content(client: TestClient, session: Session) -> None:
    ingested(client, new_dataset(client), trl(1))
    found = session.execute(text("SELECT prompt_id, content_id, chosen_id, id FROM pairs")).one()
    golden = ["799898bf-9d7d", "7fb715c3-ee55", "84c8c668-137a", "e57c5242-0d10"]
    assert [str(id)[:13] for id in found] == golden  # as every release must give them


BAD = {
    b"[" * 100_000: ("json_too_deep", None),
    b'{"prompt": "p", "chosen": "a\\u0000", "rejected": "b"}': ("nul_character", "chosen"),
    b'{"prompt": "p", "chosen": "a\\ud800", "rejected": "b"}': ("lone_surrogate", None),
    b'{"prompt": "p", "chosen": "a", "rejected": "b", "margin": NaN}': ("not_finite", None),
    b'{"prompt": "p", "chosen": "a", "rejected": "b", "margin": 1e999}': ("not_finite", None),
    b'{"prompt": "p", "chosen": "a", "rejected": "b", "x": ' + b"[" * 300 + b"]" * 300 + b"}": (
        "json_too_deep", None,
    ),
    b'{"prompt": "p", "chosen": "a\xff", "rejected": "b"}': ("not_utf8", None),
    b'{"prompt": "p", "chosen": "a"}': ("missing_field", "rejected"),
    b'{"prompt": "p", "chosen": 5, "rejected": "b"}': ("wrong_type", "chosen"),
    b'{"prompt": "p", "chosen": "a", "rejected": "a"}': ("chosen_equals_rejected", "rejected"),
    b'{"prompt": "p", "chosen": "a", "chosen": "c", "rejected": "b"}': ("duplicate_key", "chosen"),
}  # fmt: skip


def test_bad_lines_are_rejects_and_the_rest_is_taken(client: TestClient, session: Session) -> None:
    content = trl(1) + b"\n".join(BAD) + b"\n\n" + trl(2)
    upload = ingested(client, new_dataset(client), content)
    assert counts(upload) == (len(BAD) + 3, 3, len(BAD), 3)
    found = rejects(client, upload)
    assert [(row["code"], row["field"]) for row in found] == list(BAD.values())
    assert [row["line"] for row in found] == list(range(2, len(BAD) + 2))
    assert found[1]["raw"].encode() == list(BAD)[1]
    assert "raw_base64" in found[6]
    assert orphans(session) == 0


def test_an_atomic_upload_is_refused_whole(client: TestClient, session: Session) -> None:
    content = trl(2500) + b"\n".join(BAD) + b"\n" + b"5\n" * 200
    upload = ingested(client, new_dataset(client), content, mode="atomic")
    assert (upload["state"], upload["job"]["state"]) == ("failed", "failed")
    error = upload["error"]
    assert (error["code"], error["rejected"], error["rows_in"]) == ("rejected_rows", 211, 2711)
    assert len(error["errors"]) == 100
    assert error["errors"][0] == {
        "line": 2501, "field": None, "code": "json_too_deep",
        "message": "the JSON is nested more than 250 deep",
    }  # fmt: skip
    assert set(rows(session).values()) == {0}


def test_nul_may_be_replaced(client: TestClient, session: Session) -> None:
    content = line(prompt="p\0", chosen="a\0b", rejected="\\u0000")
    upload = ingested(client, new_dataset(client), content, on_nul="replace")
    assert counts(upload) == (1, 1, 0, 1)
    texts = session.scalars(text("SELECT text FROM responses")).all()
    assert sorted(texts) == ["\\u0000", "a\ufffdb"]


@pytest.mark.parametrize("content", [b"", b"\n \n\r\n"])
def test_a_file_without_rows_is_taken(client: TestClient, content: bytes) -> None:
    upload = ingested(client, new_dataset(client), content)
    assert (upload["state"], upload["layout"]) == ("ingested", None)
    assert counts(upload) == (0, 0, 0, 0)
    assert upload["job"]["result"]["rows_in"] == 0


def test_one_line_and_all_texts_equal(client: TestClient) -> None:
    dataset = new_dataset(client)
    assert counts(ingested(client, dataset, trl(1).strip())) == (1, 1, 0, 1)
    same = ingested(client, dataset, line(prompt="x", chosen="x", rejected="x") * 3)
    assert counts(same) == (3, 0, 3, 0)
    repeated = ingested(client, dataset, line(prompt="x", chosen="y", rejected="z") * 3)
    assert counts(repeated) == (3, 3, 0, 3)


def parquet(content: list[dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(content), file)
    return file.getvalue()


def test_parquet_rows(client: TestClient) -> None:
    content = [{"prompt": ask(f"p{i}"), "chosen": "a", "rejected": "b"} for i in range(300)]
    content += [{"prompt": ask("p"), "chosen": "a", "rejected": None}]
    upload = ingested(client, new_dataset(client), parquet(content))
    assert counts(upload) == (301, 300, 1, 300)
    assert rejects(client, upload)[0] | {"raw": ""} == {
        "line": 301, "code": "missing_field", "field": "rejected",
        "message": "rejected is missing", "raw": "",
    }  # fmt: skip


def test_a_parquet_file_cut_short_stores_nothing(client: TestClient, session: Session) -> None:
    content = parquet([{"prompt": "p", "chosen": f"a{i}", "rejected": "b"} for i in range(300)])
    dataset = new_dataset(client)
    upload = ingested(client, dataset, content[: len(content) // 2])
    assert (upload["state"], upload["error"]["code"]) == ("failed", "unreadable_file")
    assert upload["error"]["status"] == 422
    assert set(rows(session).values()) == {0}
    repaired = ingested(client, dataset, content)
    assert counts(repaired) == (300, 300, 0, 300)


def test_what_failed_may_be_uploaded_again(client: TestClient) -> None:
    dataset = new_dataset(client)
    failed = ingested(client, dataset, b'{"what": "is this"}')
    assert (failed["error"]["code"], failed["error"]["line"]) == ("unknown_layout", 1)
    again = post(client, dataset, b'{"what": "is this"}')
    assert (again.status_code, again.json()["upload"]["id"] == failed["id"]) == (202, False)


def test_a_damaged_file_fails_the_job(client: TestClient, session: Session) -> None:
    content = gzip.compress(trl(20_000))[:-1000]
    upload = ingested(client, new_dataset(client), content)
    assert upload["error"]["code"] == "unreadable_file"
    assert set(rows(session).values()) == {0}


def test_a_layout_may_be_forced(client: TestClient, session: Session) -> None:
    transcript = "\n\nHuman: hi\n\nAssistant: {}"
    content = line(chosen=transcript.format("a"), rejected=transcript.format("b"))
    upload = ingested(client, new_dataset(client), content, layout="trl_preference")
    assert upload["layout"] == "trl_preference"
    assert session.scalars(text("SELECT text FROM responses ORDER BY 1")).all() == [" a", " b"]


def test_every_label_is_stored_as_it_was_given(client: TestClient, session: Session) -> None:
    record = {
        "id": "n1", "messages": ask("2 + 2?"),
        "responses": [{"id": "r0", "text": "4", "model": "m"}, {"id": "r1", "text": "5"},
                      {"id": "r2", "text": "5"}],
        "comparisons": [
            {"a": "r0", "b": "r1", "outcome": "a", "annotator": "x", "strength": 2, "shown": "ba"},
            {"a": "r1", "b": "r0", "outcome": "b", "annotator": "y", "annotator_kind": "model"},
            {"a": "r0", "b": "r1", "outcome": "tie", "rationale": "same"},
            {"a": "r1", "b": "r2", "outcome": "a"}, {"a": "r0", "b": "r2", "outcome": "both_bad"},
        ],
        "ratings": [{"response": "r0", "aspect": "help", "value": 4, "scale": [1, 5]}],
        "rankings": [{"tiers": [["r0"], ["r1", "r2"]]}],
        "feedback": [{"turn": 0, "kind": "explicit", "label": "DSAT", "text": "no"}],
        "gold": {"better": ["r0"]}, "metadata": {"source": "s"},
    }  # fmt: skip
    upload = ingested(client, new_dataset(client), line(**record))
    assert counts(upload) == (1, 1, 0, 1)
    assert rows(session) == {
        "prompts": 1, "responses": 3, "records": 1, "comparisons": 5, "pairs": 1, "ratings": 1,
        "rankings": 1, "feedback": 1, "annotators": 2, "rejects": 0,
    }  # fmt: skip
    outcomes = session.scalars(text("SELECT outcome FROM comparisons ORDER BY ordinal")).all()
    assert outcomes == ["a", "b", "tie", "a", "both_bad"]
    votes = session.execute(text("SELECT votes, agreement FROM pairs")).one()
    assert (votes.votes, round(votes.agreement, 3)) == (3, 0.667)
    assert orphans(session) == 0


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(content=st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=8), junk=st.binary(max_size=20))
def test_rows_in_is_what_was_accepted_and_rejected(
    client: TestClient, session: Session, content: list[tuple[str, str, str]], junk: bytes
) -> None:
    made = [line(prompt=p, chosen=c, rejected=r) for p, c, r in content] + [junk]
    upload = ingested(client, new_dataset(client, uuid.uuid4().hex), b"".join(made))
    if upload["state"] == "failed":
        return
    taken = [row for row in content if row[1] != row[2]]
    assert upload["rows_in"] == upload["accepted"] + upload["rejected"]
    assert upload["accepted"] == upload["pairs"] == len(taken)
    assert len(rejects(client, upload)) == upload["rejected"]
    assert orphans(session) == 0


def test_the_bytes_are_kept_as_they_came(client: TestClient) -> None:
    upload = post(client, new_dataset(client), trl(2)).json()["upload"]
    assert files.get(files.upload_key(bytes.fromhex(upload["sha256"]))) == trl(2)
