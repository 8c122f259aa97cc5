"""Rows -> a file by its name: JSONL, JSON, CSV, TSV or Parquet; plain, gzip or zstd."""

import csv
import gzip
import io
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeAlias, cast

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

BATCH = 1000  # rows of a Parquet file whose types are found together
ROWS_PER_GROUP = 10_000
DELIMITERS = {".csv": ",", ".tsv": "\t"}
KINDS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")

Row: TypeAlias = dict[str, Any]


def kind_of(name: str) -> str | None:
    """The kind of file that a name asks for, one of KINDS; None for an unknown one."""
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    if suffixes and suffixes[-1] in (".gz", ".zst"):
        suffixes.pop()
    return suffixes[-1] if suffixes and suffixes[-1] in KINDS else None


def write_rows(path: Path, rows: Iterable[Row], name: str) -> int:
    """Write the rows at `path` as `name` says; how many there were."""
    kind = kind_of(name)
    if kind is None:
        raise ValueError(f"no kind of file ends like {name!r}; known: {', '.join(KINDS)}")
    with path.open("wb") as file, compressed(file, name) as out:
        if kind in (".jsonl", ".ndjson"):
            return write_lines(out, rows)
        if kind == ".json":
            return write_array(out, rows)
        with spooled(rows) as (spool, count):
            if kind == ".parquet":
                write_parquet(out, spool)
            else:
                write_cells(out, spool, DELIMITERS[kind])
            return count


@contextmanager
def compressed(file: IO[bytes], name: str) -> Generator[IO[bytes]]:
    if name.lower().endswith(".gz"):
        with gzip.GzipFile("", "wb", 6, file, mtime=0) as out:  # no name and time: same bytes
            yield cast(IO[bytes], out)
    elif name.lower().endswith(".zst"):
        with zstandard.ZstdCompressor(10).stream_writer(file, closefd=False) as out:
            yield cast(IO[bytes], out)
    else:
        yield file


def write_lines(out: IO[bytes], rows: Iterable[Row]) -> int:
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007  counted
        out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    return count


def write_array(out: IO[bytes], rows: Iterable[Row]) -> int:
    count = 0
    for count, row in enumerate(rows, 1):
        out.write((b"[\n" if count == 1 else b",\n") + orjson.dumps(row))
    out.write(b"[]\n" if not count else b"\n]\n")
    return count


Spool: TypeAlias = Callable[[], Iterator[Row]]


@contextmanager
def spooled(rows: Iterable[Row]) -> Generator[tuple[Spool, int]]:
    """The rows on disk, to be read as often as is needed, and their number."""
    with tempfile.TemporaryFile() as file:
        count = write_lines(file, rows)

        def again() -> Iterator[Row]:
            file.seek(0)
            return map(orjson.loads, file)

        yield again, count


def write_cells(out: IO[bytes], spool: Spool, delimiter: str) -> None:
    """A header with every column; text as it is, anything else as JSON, nothing as nothing."""
    columns = list(dict.fromkeys(name for row in spool() for name in row))
    text = io.TextIOWrapper(out, "utf-8", newline="", write_through=True)
    # As RFC 4180 has it; the csv module quotes a carriage return only if it ends lines.
    writer = csv.DictWriter(text, columns, restval="", delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    for row in spool():
        writer.writerow({name: cell(value) for name, value in row.items()})
    text.detach()


def cell(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return orjson.dumps(value).decode()


def write_parquet(out: IO[bytes], spool: Spool) -> None:
    """Types that fit all rows; a column whose rows have none in common holds JSON text."""
    schema, as_json = schema_of(spool)
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for rows in batches(spool(), ROWS_PER_GROUP):
            writer.write_table(pa.Table.from_pylist(plain(rows, as_json), schema))


def batches(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    return iter(lambda: list(islice(rows, size)), [])


def schema_of(spool: Spool) -> tuple[Any, set[str]]:
    """The Arrow schema, and the columns that hold JSON text."""
    found: dict[str, pa.DataType] = {}
    as_json: set[str] = set()
    for rows in batches(spool(), BATCH):
        for name in dict.fromkeys(name for row in rows for name in row):
            if name in as_json:
                continue
            try:
                typed = pa.array([row.get(name) for row in rows]).type
                before = found.get(name, pa.null())
                fields = [pa.schema([(name, before)]), pa.schema([(name, typed)])]
                merged = pa.unify_schemas(fields, promote_options="permissive")
                found[name] = merged.field(name).type
            except pa.ArrowException:
                as_json.add(name)
                found[name] = pa.string()
    return pa.schema(list(found.items())), as_json


def plain(rows: Sequence[Row], as_json: set[str]) -> list[Row]:
    return [
        {name: cell(value) if name in as_json else value for name, value in row.items()}
        for row in rows
    ]
