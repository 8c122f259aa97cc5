"""Each kind of file holds the rows that were written to it."""

import gzip
import json
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq
import pytest

from service.reading.rows import read_rows
from service.writing import kind_of, write_rows

ROWS: list[dict[str, Any]] = [
    {"prompt": "2 + 2?", "chosen": [{"role": "assistant", "content": "4"}], "margin": 1},
    {"prompt": 'a "b",\n\u2028ü', "chosen": [], "margin": 0.5, "note": "x"},
]


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson.gz", "a.jsonl.zst", "a.parquet"])
def test_what_is_written_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "out"
    assert write_rows(path, iter(ROWS), name) == 2
    with path.open("rb") as file:
        assert [row.value for row in read_rows(file, path.stat().st_size, 1 << 20)] == ROWS


def test_an_array_is_json(tmp_path: Path) -> None:
    path = tmp_path / "out"
    assert write_rows(path, iter(ROWS), "a.json") == 2
    assert json.loads(path.read_bytes()) == ROWS
    assert write_rows(path, iter([]), "a.json") == 0
    assert json.loads(path.read_bytes()) == []


def test_cells_hold_text_as_it_is_and_the_rest_as_json(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write_rows(path, iter(ROWS), "out.csv")
    loaded = datasets.Dataset.from_csv(str(path), cache_dir=str(tmp_path / "cache"))
    assert isinstance(loaded, datasets.Dataset)
    assert loaded["prompt"] == [row["prompt"] for row in ROWS]
    assert [json.loads(cell) for cell in loaded["chosen"]] == [row["chosen"] for row in ROWS]
    assert loaded["note"] == [None, "x"]


def test_the_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.jsonl.gz", "a.parquet", "a.csv"):
        write_rows(tmp_path / "one", iter(ROWS), name)
        write_rows(tmp_path / "two", iter(ROWS), name)
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_parquet_column_without_a_common_type_holds_json(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"x": "text"}, {"x": [{"role": "user"}]}]
    write_rows(tmp_path / "out", iter(rows), "out.parquet")
    assert pq.read_table(tmp_path / "out")["x"].to_pylist() == ["text", '[{"role":"user"}]']


def test_kinds_are_told_by_the_name() -> None:
    names = {"a.JSONL.gz": ".jsonl", "b.c.tsv.zst": ".tsv", "x.gz": None, "x": None, "x.txt": None}
    assert {name: kind_of(name) for name in names} == names


def test_a_gzip_file_is_a_gzip_file(tmp_path: Path) -> None:
    write_rows(tmp_path / "out", iter(ROWS), "a.jsonl.gz")
    assert len(gzip.decompress((tmp_path / "out").read_bytes()).splitlines()) == 2
