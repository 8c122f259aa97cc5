"""Arrow IPC files give the rows that JSON would give."""

import gzip
import io
from contextlib import suppress
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from service.errors import Invalid, TooLarge, UnsupportedFile
from tests.service.reading.test_reading import codes, parquet, read, zstd

ROWS = [{"chosen": "x\u2028", "n": [1, 2]}, {"chosen": "y", "n": None}]


def arrow(table: Any, *, stream: bool, **options: Any) -> bytes:
    file = io.BytesIO()
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(file, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=300)
    return file.getvalue()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd])
def test_files_and_streams(stream: bool, compression: Any, pack: Any) -> None:
    table = pa.Table.from_pylist(ROWS * 500)
    found = read(pack(arrow(table, stream=stream, compression=compression)))
    assert [row.line for row in found] == list(range(1, 1001))
    assert codes(found) == [{"chosen": "x\u2028", "n": [1, 2]}, {"chosen": "y"}] * 500


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_packed_parquet(pack: Any) -> None:
    assert codes(read(pack(parquet(ROWS)))) == [ROWS[0], {"chosen": "y"}]


@pytest.mark.parametrize("stream", [False, True])
def test_dictionaries_and_views_are_spelt_out(stream: bool) -> None:
    words = pa.array(["a", "b", "a"])
    lists = pa.ListArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), words.dictionary_encode())
    table = pa.table(
        {
            "word": words.dictionary_encode(),
            "list": lists,
            "view": words.cast(pa.string_view()),
            "views": pa.array([[x] for x in "aba"], pa.list_(pa.string_view())),
            "in": pa.array([{"x": "a"}] * 3, pa.struct([("x", pa.string_view())])),
        }
    )
    assert codes(read(arrow(table, stream=stream))) == [
        {"word": x, "list": [x], "view": x, "views": [x], "in": {"x": "a"}} for x in "aba"
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_a_dictionary_bomb_is_too_large(stream: bool) -> None:
    values = pa.DictionaryArray.from_arrays(
        pa.array([0] * 200_000, pa.int32()), pa.array(["x" * 1_000_000])
    )
    with pytest.raises(TooLarge) as error:
        read(arrow(pa.table({"a": values}), stream=stream))
    assert error.value.code == "decoded_too_large"


def test_what_json_cannot_say_is_a_bad_row() -> None:
    table = pa.table({"a": [1.0, float("nan")], "b": ["x", "y\0"]})
    assert codes(read(arrow(table, stream=True))) == [{"a": 1.0, "b": "x"}, "not_finite"]
    assert codes(read(arrow(pa.table({"b": ["y\0"]}), stream=True))) == ["nul_character"]


def test_columns_that_can_expand_without_end_are_not_read() -> None:
    ends = pa.RunEndEncodedArray.from_arrays(pa.array([10**9], pa.int32()), ["x"])
    for column in (ends.slice(0, 5), pa.array([["x"]], pa.list_view(pa.string()))):
        with pytest.raises(UnsupportedFile):
            read(arrow(pa.table({"a": column}), stream=False))


def test_two_columns_with_one_name_are_refused() -> None:
    table = pa.Table.from_arrays([pa.array(["x"]), pa.array(["y"])], names=["a", "a"])
    with pytest.raises(Invalid) as error:
        read(arrow(table, stream=True))
    assert (error.value.code, error.value.problem()["field"]) == ("duplicate_key", "a")


@pytest.mark.parametrize("stream", [False, True])
def test_damaged_files_are_read_or_refused(stream: bool) -> None:
    rows = [{"chosen": f"x{i}" * 20, "n": i, "list": [i]} for i in range(400)]
    content = arrow(pa.Table.from_pylist(rows), stream=stream)
    random = np.random.default_rng(0)
    for _ in range(100):
        damaged = bytearray(content)
        for place in random.integers(8, len(content), 20):
            damaged[place] ^= 1 << int(random.integers(8))
        with suppress(Invalid, TooLarge, UnsupportedFile):
            read(bytes(damaged))
    with pytest.raises(Invalid):
        read(content[: len(content) // 2])
