"""100 bad lines, 100 reasons: each names its line, its field, a code and what is wrong."""

import base64
from typing import Any

import orjson

from tests.faults.served import Dataset

GOOD = {"prompt": "2 + 2?", "chosen": "4", "rejected": "5"}
ASK = [{"role": "user", "content": "2 + 2?"}]
RECORD = {
    "messages": ASK,
    "responses": [{"id": "x", "text": "4"}, {"id": "y", "text": "5"}],
    "comparisons": [{"a": "x", "b": "y", "outcome": "a"}],
}


def flat(**row: Any) -> bytes:
    return orjson.dumps(GOOD | row)


def native(**row: Any) -> bytes:
    return orjson.dumps(RECORD | row)


def raw(extra: bytes) -> bytes:
    return flat()[:-1] + b", " + extra + b"}"


# (line, code): what no layout can read.
NOT_JSON = [
    *[(text, "not_json") for text in (
        b"{", b"}", b'{"prompt"', b'{"prompt":', b'{"prompt": "x"', b"{'prompt': 'x'}", b"nul",
        b'{"prompt": "x",}', b"{prompt: 1}", b'{"prompt": 01}', b'{"prompt": "\\x"}', b"a,b,c",
        b'{"prompt": "tab\there"}', b'{"prompt": "\x01"}', b'{"a": 1}{"a": 2}', b"# comment", b"{]",
        b'{"prompt": .5}', b'{"prompt": +1}', b"undefined", b'{"prompt": "x"} trailing',
    )],
    *[(text, "not_an_object") for text in (
        b"[]", b"5", b'"x"', b"null", b"true", b"[1, 2]", b"1.5",
    )],
    *[(raw(b'"x": ' + text), "not_finite") for text in (
        b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e400", b"[1, NaN]",
    )],
    *[(text, "json_too_deep") for text in (
        b"[" * 100_000, raw(b'"x": ' + b"[" * 300 + b"]" * 300),
    )],
    *[(text, "not_utf8") for text in (
        raw(b'"x": "\xff"'), raw(b'"x": "\xc3"'), raw(b'"\xfe": 1'), raw(b'"x": "\xc0\xaf"'),
    )],
    *[(text, "lone_surrogate") for text in (
        raw(b'"x": "\\ud800"'), raw(b'"\\udfff": 1'), raw(b'"x": "\xed\xa0\x80"'),
    )],
    *[(text, "nul_character") for text in (
        flat(prompt="a\0"), flat(x={"y": ["\0"]}), raw(b'"a\\u0000": 1'), flat(chosen="\0"),
    )],
    *[(text, "duplicate_key") for text in (
        b'{"prompt": "p", "chosen": "a", "chosen": "c", "rejected": "b"}',
        raw(b'"prompt": "again"'), raw(b'"x": {"y": 1, "y": 2}'),
    )],
]  # fmt: skip
# What a layout can't read.
FLAT = [
    {"prompt": "x"}, {"chosen": "x"}, {"prompt": "p", "chosen": "a"},
    {"prompt": "p", "rejected": "b"},
    GOOD | {"chosen": None}, GOOD | {"chosen": 5}, GOOD | {"chosen": True}, GOOD | {"chosen": {}},
    GOOD | {"rejected": 5.5}, GOOD | {"rejected": []}, GOOD | {"rejected": [1]},
    GOOD | {"prompt": 7},
    GOOD | {"prompt": {"role": "user"}}, GOOD | {"prompt": [1]}, GOOD | {"rejected": "4"},
    GOOD | {"prompt": [{"role": "user"}]}, GOOD | {"prompt": [{"role": "nobody", "content": "x"}]},
    GOOD | {"chosen": [{"role": "assistant"}]}, GOOD | {"chosen": [{"content": "x"}]},
    GOOD | {"prompt": [{"role": "user", "content": 5}]}, {}, {"x": 1},
]  # fmt: skip
NATIVE = [
    {"messages": None}, {"messages": "x"}, {"messages": [5]}, {"messages": [{"role": "user"}]},
    {"responses": None}, {"responses": "x"}, {"responses": [5]}, {"responses": [{"text": "x"}]},
    {"responses": [{"id": "x", "text": "4"}, {"id": "x", "text": "5"}]}, {"responses": [{"id": 5}]},
    {"comparisons": "x"}, {"comparisons": [{"a": "x"}]}, {"comparisons": [{"a": "x", "b": "z"}]},
    {"comparisons": [{"a": "x", "b": "x", "outcome": "a"}]},
    {"comparisons": [{"a": "x", "b": "y", "outcome": "maybe"}]},
    {"comparisons": [{"a": "x", "b": "y", "outcome": "a", "strength": "much"}]},
    {"ratings": [{"response": "x"}]}, {"ratings": [{"response": "z", "value": 1}]},
    {"ratings": [{"response": "x", "value": "good"}]},
    {"ratings": [{"response": "x", "value": "NaN"}]},
    {"ratings": [{"response": "x", "value": 1, "scale": [5, 1]}]}, {"ratings": {"x": 1}},
    {"rankings": [{"ranks": {"x": 1, "z": 2}}]}, {"rankings": [5]}, {"rankings": "x y"},
    {"modality": "smell"}, {"feedback": [5]},
    {"ratings": [{"response": "x", "turn": 0.5, "value": 1}]},
]  # fmt: skip


def test_each_of_100_bad_lines_is_explained(dataset: Dataset) -> None:
    rows = [orjson.dumps(row) for row in FLAT]
    lines = [*[line for line, _ in NOT_JSON], *rows]
    told = explained(dataset, lines, flat(), "trl_preference")
    assert [each["code"] for each in told[: len(NOT_JSON)]] == [code for _, code in NOT_JSON]
    records = [native(**row) for row in NATIVE]
    told += explained(dataset, records, native(), "native")
    assert len(told) == 100
    assert len({each["code"] for each in told}) >= 12
    layout_errors = told[len(NOT_JSON) :]
    assert sum(each["field"] is None for each in layout_errors) <= 4
    assert len({each["message"] for each in told}) > 60


def explained(
    dataset: Dataset, lines: list[bytes], good: bytes, layout: str
) -> list[dict[str, Any]]:
    """The rejects of these lines, which stand between good ones."""
    content = b"\n".join([good, *lines, good])
    upload = dataset.ingest(content, layout=layout)
    told = dataset.rejects(upload)
    missing = {*range(2, len(lines) + 2)} - {each["line"] for each in told}
    assert not missing, [lines[number - 2][:200] for number in missing]
    assert (upload["accepted"], upload["rejected"]) == (2, len(lines))
    for line, each in zip(lines, told, strict=True):
        assert each["code"] == each["code"].lower().replace(" ", "_")
        assert len(each["message"]) > 5
        same = (
            base64.b64decode(each["raw_base64"]) if "raw_base64" in each else each["raw"].encode()
        )
        assert same == line
    return told
