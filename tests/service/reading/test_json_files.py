"""JSON files give the rows, and the rejects, that JSONL gives."""

import gzip
import io
import json
import tracemalloc
from contextlib import suppress
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Invalid, ServiceError
from service.reading.json_cutting import Cutter
from service.reading.json_files import shape_of
from service.reading.json_lines import Row
from service.reading.rows import read_rows
from tests.service.reading.test_reading import codes, read, zstd

ROWS = [{"prompt": "a, [b] {c}", "n": [1, {"x": '"'}]}, {"prompt": "\\", "n": []}]


@pytest.mark.parametrize("indent", [None, 1, 4])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd])
def test_an_array_on_one_line_or_many(indent: int | None, pack: Any) -> None:
    found = read(pack(json.dumps(ROWS, indent=indent).encode()))
    assert [(row.line, row.value) for row in found] == [(1, ROWS[0]), (2, ROWS[1])]
    assert [json.loads(row.raw) for row in found] == ROWS


@pytest.mark.parametrize("indent", [None, 2])
def test_an_object_of_records_names_them(indent: int | None) -> None:
    content = json.dumps({"first": ROWS[0], "second": ROWS[1]}, indent=indent).encode()
    assert codes(read(content)) == [{"key": "first", **ROWS[0]}, {"key": "second", **ROWS[1]}]
    assert codes(read(b'{\n"a": {"key": 1}}')) == [{"_key": "a", "key": 1}]


@pytest.mark.parametrize("indent", [None, 2])
def test_an_object_with_one_array_holds_its_rows(indent: int | None) -> None:
    content = json.dumps({"version": [1, 2], "data": ROWS, "by": {"x": [1]}}, indent=indent)
    assert codes(read(content.encode())) == ROWS


def test_a_second_array_behind_the_first_is_not_left_out() -> None:
    rows = [{"prompt": "p" * 1000}] * 3000
    content = json.dumps({"train": rows, "test": rows}, indent=1).encode()
    with pytest.raises(Invalid) as error:
        read(content)
    assert error.value.code == "ambiguous_file"


def test_a_record_by_itself_is_one_row_also_over_many_lines() -> None:
    record = {"messages": [{"role": "user", "content": "x"}], "responses": [{"text": "y"}]}
    pretty = json.dumps(record, indent=2).encode()
    assert codes(read(json.dumps(record).encode())) == [record]
    assert codes(read(pretty)) == [record]
    assert codes(read(pretty + b"\n" + pretty)) == [record, record]


@pytest.mark.parametrize("content", [b"[]", b"[ \n ]", b"[\n]\n", b" [] "])
def test_an_empty_array_has_no_rows(content: bytes) -> None:
    assert read(content) == []


@pytest.mark.parametrize(
    ("element", "code"),
    [
        (b'{"a": NaN}', "not_finite"),
        (b'{"a": 1e999}', "not_finite"),
        (b'{"a": "\\ud800"}', "lone_surrogate"),
        (b'{"a": "\xff"}', "not_utf8"),
        (b'{"a": ["x\\u0000"]}', "nul_character"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b'{"a": 1, "a": {"b": 2}}', "duplicate_key"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "json_too_deep"),
        (b"5", "not_an_object"),
        (b'"text, with ] and }"', "not_an_object"),
        (b"[1, 2]", "not_an_object"),
        (b'{"a": 1]', "not_json"),
        (b"", "not_json"),
        (b"nul", "not_json"),
        (b'{"a": "' + b"x" * 2_000_000 + b'"}', "line_too_long"),
    ],
)
def test_a_bad_element_is_named_and_the_rest_is_read(element: bytes, code: str) -> None:
    for content in (
        b'[{"x": 1},\n' + element + b',\n{"x": 2}]',
        b'{"data": [\n{"x": 1},\n' + element + b',\n{"x": 2}]}',
    ):
        rows = read(content)
        assert codes(rows) == [{"x": 1}, code, {"x": 2}]
        assert rows[1].raw == (element if code != "line_too_long" else b"")
    if element.startswith(b"{"):
        rows = read(b'{\n"k": {"x": 1}, "l": ' + element + b', "m": {"x": 2}}')
        assert codes(rows) == [{"key": "k", "x": 1}, code, {"key": "m", "x": 2}]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b'[{"a": 1}, {"a": 2', [{"a": 1}, "not_json"]),
        (b'[{"a": 1}, {"a": 2}', [{"a": 1}, {"a": 2}, "not_json"]),
        (b'[{"a": 1},', [{"a": 1}, "not_json"]),
        (b'[{"a": 1},]', [{"a": 1}]),
        (b'[{"a": 1}] [{"a": 2}]', [{"a": 1}, "not_json"]),
        (b'{\n"a": {"x": "', ["not_json"]),
        (b'{"rows": [{"x": 1}], "more', [{"x": 1}, "not_json"]),
        (b'{"k\\u0000": {"x": 1}}', ["nul_character"]),
    ],
)
def test_a_file_that_is_cut_or_goes_on_says_so(content: bytes, found: list[Any]) -> None:
    assert codes(read(content)) == found


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": 1}\n{"a": 2}\n',
        b'{"a": 1\n{"a": 2}\n',
        b'{"a": {"b": 1}}\n{"a": {"b": 2}}\n',
        b"[1]\n[2]\n",
        b'[{"role": "user"}]\n[{"role": "user"}]\n',
        b'{"a": 1}',
        b'{"a": 1',
        b"{}",
        b"[[1]]",
    ],
)
def test_lines_stay_lines(content: bytes) -> None:
    assert shape_of(content, whole=True) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text('a"\\{}[],:\n é', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text('ab"\\', max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=5), st.integers(1, 9), st.booleans())
def test_elements_are_cut_where_a_parser_would(values: list[Any], step: int, pretty: bool) -> None:
    text = json.dumps(values, indent=2 if pretty else None, ensure_ascii=pretty).encode()
    file = io.BytesIO(text)
    cutter = Cutter(lambda _: file.read(step), 1 << 20)  # however the blocks fall
    cutter.skip(1)
    raws = [raw.strip() for raw in cutter.elements() if raw is not None]
    assert [orjson.loads(raw) for raw in raws if raw] == values
    assert cutter.closed


def test_a_large_file_is_read_in_little_memory() -> None:
    element = orjson.dumps({"prompt": "x" * 1000, "chosen": "yes", "rejected": "no"})
    content = b"[" + b",\n".join([element] * 30_000) + b"]"
    tracemalloc.start()
    count = sum(not isinstance(row, Row) or row.line > 0 for row in stream(content))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 30_000
    assert peak < 12 << 20


def stream(content: bytes) -> Any:
    return read_rows(io.BytesIO(content), len(content), 1 << 20)


def test_damaged_files_are_read_or_refused() -> None:
    random = np.random.default_rng(0)
    for content in (json.dumps(ROWS * 3), json.dumps({"a": ROWS[0], "b": ROWS[1]}, indent=1)):
        for _ in range(300):
            damaged = bytearray(content.encode())
            for place in random.integers(0, len(damaged), 3):
                damaged[place] = int(random.choice(list(b'{}[]",:\\\n\0\xff1n')))
            with suppress(ServiceError):
                read(bytes(damaged))
