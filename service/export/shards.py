"""Parquet shards of one split, with the same bytes for the same rows."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import pyarrow as pa
import pyarrow.parquet as pq

ROWS_PER_GROUP = 1000
BYTES_PER_SHARD = 500 << 20  # of Arrow data, before compression

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
LEADING = (
    pa.field("prompt", MESSAGES),
    pa.field("chosen", MESSAGES),
    pa.field("rejected", MESSAGES),
    *(pa.field(name, pa.string()) for name in ("pair_id", "prompt_id", "source", "license")),
    *(pa.field(name, pa.string()) for name in ("recipe_id", "recipe_sha")),
    pa.field("weight", pa.float64()),
)
COLUMNS = tuple(found.name for found in LEADING)
IMAGES = ("chosen_image", "rejected_image")  # URIs, only where a kept pair is of images
STRINGS = (*IMAGES, "evidence")

Row = Mapping[str, Any]


class FileFacts(TypedDict, total=False):
    """What the manifest says of a file; `rows` only of data files."""

    sha256: str
    bytes: int
    rows: int


def schema(scores: Sequence[str]) -> Any:
    """TRL's conversational preference columns, where each row comes from, then its scores."""
    kinds = {name: pa.string() if name in STRINGS else pa.float64() for name in scores}
    return pa.schema([*LEADING, *(pa.field(name, kind) for name, kind in kinds.items())])


def facts(path: Path, rows: int | None = None) -> FileFacts:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    found = FileFacts(sha256=digest, bytes=path.stat().st_size)
    if rows is not None:
        found["rows"] = rows
    return found


@dataclass
class SplitWriter:
    """Takes rows in order and cuts them into row groups and shards; memory is one row group."""

    folder: Path
    split: str
    schema: Any
    bytes_per_shard: int = BYTES_PER_SHARD
    rows: int = 0
    size: int = 0  # bytes of Arrow data
    prompts: set[str] = field(default_factory=set[str])
    waiting: list[Row] = field(default_factory=list[Row])
    shard_rows: list[int] = field(default_factory=list[int])
    shard_size: int = 0
    parquet: pq.ParquetWriter | None = None

    def add(self, row: Row) -> None:
        self.waiting.append(row)
        if "prompt_id" in row:
            self.prompts.add(row["prompt_id"])
        if len(self.waiting) >= ROWS_PER_GROUP:
            self.flush()

    def flush(self) -> None:
        batch = pa.RecordBatch.from_pylist(self.waiting, schema=self.schema)
        self.waiting = []
        if self.parquet and self.shard_size + batch.nbytes > self.bytes_per_shard:
            self.parquet.close()
            self.parquet = None
        if self.parquet is None:
            self.parquet = self.open_shard()
        if not batch.num_rows:
            return  # a row group without rows is what `datasets` can't read
        self.parquet.write_batch(batch)
        self.shard_size += batch.nbytes
        self.size += batch.nbytes
        self.rows += batch.num_rows
        self.shard_rows[-1] += batch.num_rows

    def open_shard(self) -> pq.ParquetWriter:
        path = self.part(len(self.shard_rows))
        self.shard_rows.append(0)
        self.shard_size = 0
        return pq.ParquetWriter(path, self.schema, compression="zstd", store_schema=False)

    def part(self, index: int) -> Path:
        return self.folder / f"{self.split}-{index:05d}.part"

    def close(self) -> dict[str, FileFacts]:
        """Give the shards their final names, which hold their count; facts by path."""
        if self.waiting or not self.shard_rows:
            self.flush()  # also an empty split has one shard: its columns
        assert self.parquet is not None
        self.parquet.close()
        count = len(self.shard_rows)
        written: dict[str, FileFacts] = {}
        for index, rows in enumerate(self.shard_rows):
            name = f"{self.split}-{index:05d}-of-{count:05d}.parquet"
            final = self.part(index).rename(self.folder / name)
            written[f"{self.folder.name}/{name}"] = facts(final, rows)
        return written
