import gzip
import io
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.errors import Invalid, ServiceError, TooLarge, UnsupportedFile
from service.formats.record import RowError
from service.reading import parquet as parquet_reader
from service.reading.json_lines import Row
from service.reading.rows import read_rows


def read(content: bytes, on_nul: str = "reject", max_line: int = 1 << 20) -> list[Row]:
    return list(read_rows(io.BytesIO(content), len(content), max_line, on_nul))


def zstd(content: bytes) -> bytes:
    return pa.compress(content, "zstd", asbytes=True)


def codes(rows: list[Row]) -> list[Any]:
    return [row.value.code if isinstance(row.value, RowError) else row.value for row in rows]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"[" * 100_000, "json_too_deep"),
        (b'{"a":' * 100_000, "json_too_deep"),
        (b'{"a": NaN}', "not_finite"),
        (b'{"a": -Infinity}', "not_finite"),
        (b'{"a": 1e999}', "not_finite"),
        (b'{"a": [{"id": 18446744073709551616}]}', "out_of_range"),
        (b'{"a": -9223372036854775809}', "out_of_range"),
        (b'{"a": "\\ud800"}', "lone_surrogate"),
        (b'{"a": "\xed\xa0\x80"}', "lone_surrogate"),
        (b'{"a": "\xff"}', "not_utf8"),
        (b'{"a": {"b": ["x\\u0000"]}}', "nul_character"),
        (b'{"a\\u0000": 1}', "nul_character"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b'{"b": {"a": 1, "a": 2}, "a": 1}', "duplicate_key"),
        (b'{"b": [{"a": 1, "a": 2}]}', "duplicate_key"),
        (b'{"a" \t: 1, "a"  : 2}', "duplicate_key"),
        (b"5", "not_an_object"),
        (b'{"a": 1', "not_json"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_is_read(line: bytes, code: str) -> None:
    rows = read(b'{"x": 1}\n' + line + b'\n{"x": 2}\n')
    assert codes(rows) == [{"x": 1}, code, {"x": 2}]
    assert rows[1].line == 2
    assert rows[1].raw == line


def test_integers_of_64_bits_and_numbers_that_say_they_are_rough_are_read() -> None:
    line = (
        b'{"a": 18446744073709551615, "b": -9223372036854775808, "c": 1e30, "d": -0.0, "e": 1e-400}'
    )
    (found,) = codes(read(line))
    assert found == {"a": 2**64 - 1, "b": -(2**63), "c": 1e30, "d": 0.0, "e": 0.0}


def test_lines_end_at_line_feeds_only() -> None:
    text = "a\u2028b\u2029c\u0085d"
    content = b'\xef\xbb\xbf{"a": 1}\r\n\n  \r\n{"a": "' + text.encode() + b'"}'
    assert [(row.line, row.value) for row in read(content)] == [(1, {"a": 1}), (4, {"a": text})]


def test_nul_can_be_replaced_and_an_escaped_backslash_is_none() -> None:
    assert codes(read(b'{"a": "x\\u0000"}', on_nul="replace")) == [{"a": "x\ufffd"}]
    assert codes(read(b'{"a": "x\\\\u0000"}')) == [{"a": "x\\u0000"}]


def test_a_line_that_is_too_long_is_not_held() -> None:
    content = b'{"a": 1}\n"' + b"x" * 5_000_000 + b'"\n{"a": 2}\n'
    assert codes(read(content, max_line=1000)) == [{"a": 1}, "line_too_long", {"a": 2}]


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_compressed_lines(pack: Any) -> None:
    assert codes(read(pack(b'{"a": 1}\n{"a": 2}'))) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_a_bomb_is_too_large(pack: Any) -> None:
    with pytest.raises(TooLarge) as error:
        read(pack(b"x" * 100_000_000))
    assert error.value.code == "decompressed_too_large"


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_a_cut_compressed_file_is_unreadable(pack: Any) -> None:
    content = pack(b"".join(b'{"a": %d}\n' % i for i in range(10_000)))
    with pytest.raises(ServiceError) as error:
        read(content[: len(content) // 2])
    assert error.value.code == "unreadable_file"


def parquet(rows: list[dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()


def test_parquet_rows() -> None:
    rows = [{"chosen": "x\u2028", "n": 1}, {"chosen": "y", "n": None}]
    found = read(parquet(rows))
    assert [row.line for row in found] == [1, 2]
    assert codes(found) == [{"chosen": "x\u2028", "n": 1}, {"chosen": "y"}]


def test_what_json_cannot_say_is_a_bad_row_of_a_table() -> None:
    found = read(parquet([{"a": 1.0}, {"a": float("nan")}, {"a": float("inf")}, {"a": 2.0}]))
    assert codes(found) == [{"a": 1.0}, "not_finite", "not_finite", {"a": 2.0}]
    assert codes(read(parquet([{"a": "x\0"}]))) == ["nul_character"]


def test_a_parquet_file_that_is_cut_short_is_unreadable() -> None:
    content = parquet([{"a": "x" * 100}] * 1000)
    with pytest.raises(Invalid) as error:
        read(content[:-20])
    assert error.value.code == "unreadable_file"


def test_a_table_of_too_many_row_groups_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_reader, "MAX_ROW_GROUPS", 10)
    file = io.BytesIO()
    pq.write_table(pa.table({"a": ["x"] * 11}), file, row_group_size=1)
    with pytest.raises(Invalid) as error:
        read(file.getvalue())
    assert error.value.code == "unreadable_file"


def test_a_dictionary_bomb_is_too_large() -> None:
    values = pa.DictionaryArray.from_arrays(
        pa.array([0] * 200_000, pa.int32()), pa.array(["x" * 1_000_000])
    )
    file = io.BytesIO()
    pq.write_table(pa.table({"a": values}), file)
    with pytest.raises(TooLarge) as error:
        read(file.getvalue())
    assert error.value.code == "decoded_too_large"


@pytest.mark.parametrize("content", [b"PK\x03\x04zip", b"\x80\x05pickle", b"\x93NUMPY"])
def test_files_that_run_code_or_hold_others_are_not_read(content: bytes) -> None:
    with pytest.raises(UnsupportedFile):
        read(content)


def test_an_empty_file_has_no_rows() -> None:
    assert read(b"") == []


def test_damaged_parquet_files_are_read_or_refused() -> None:
    content = parquet([{"chosen": f"x{i}" * 20, "n": i, "list": [i]} for i in range(400)])
    random = np.random.default_rng(0)
    for _ in range(100):
        damaged = bytearray(content)
        for place in random.integers(0, len(content), 20):
            damaged[place] ^= 1 << int(random.integers(8))
        with suppress(Invalid, TooLarge):
            read(bytes(damaged))


def test_nesting_that_could_not_be_written_again_is_refused() -> None:
    def nested(depth: int) -> bytes:
        return b'{"a": ' + b"[" * depth + b"]" * depth + b"}"

    assert codes(read(nested(300))) == ["json_too_deep"]
    assert orjson.dumps(codes(read(nested(240)))[0])
    assert codes(read(b'{"a": "' + b"[" * 300 + b'"}')) == [{"a": "[" * 300}]


def test_values_that_json_lacks_come_as_text() -> None:
    found = read(parquet([{"image": b"\xff", "day": date(2026, 1, 2), "cost": Decimal("1.50")}]))
    assert codes(found) == [{"image": "/w==", "day": "2026-01-02", "cost": "1.50"}]


def test_a_row_of_too_many_keys_is_refused_and_one_of_thousands_is_checked() -> None:
    def keys(count: int) -> bytes:
        return b"{" + b",".join(b'"k%d": "x"' % i for i in range(count)) + b"}"

    assert codes(read(keys(100_000), max_line=1 << 25)) == ["too_many_fields"]
    assert len(codes(read(keys(9_000)))[0]) == 9_000
    assert codes(read(keys(9_000)[:-1] + b', "k7": 1}')) == ["duplicate_key"]
    nested = b'{"a": ' + keys(50_000)[:-1] + b', "k7": 1}, "a": 2}'
    assert codes(read(nested, max_line=1 << 25)) == ["duplicate_key"]
