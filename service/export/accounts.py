"""What became of each record of an export: the numbers of its card are summed from this file."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from service.export.layout import LABELS, TrainingRecord
from service.export.shards import FileFacts, facts

NAME = "records.parquet"
HELD = ("train", "test")
WAITING = 4096  # accounts in memory
LEFT = tuple(f"left_{kind}" for kind in LABELS)
SCHEMA: Any = pa.schema(
    [
        *((name, pa.string()) for name in ("source", "record_id", "prompt_id", "split", "why")),
        *((name, pa.int64()) for name in (*LABELS, *LEFT)),
    ]
)


def account(
    each: TrainingRecord, split: str, why: str | None, left: Mapping[str, int]
) -> dict[str, Any]:
    """`why` the layout can't say the record, which is left out wholly then, or None."""
    return {
        "source": each.origin.get("source"),
        "record_id": each.origin.get("record_id"),
        "prompt_id": each.prompt_id,
        "split": split,
        "why": why,
        **{kind: len(getattr(each.record, kind)) for kind in LABELS},
        **{name: left.get(kind, 0) for kind, name in zip(LABELS, LEFT, strict=True)},
    }


class Totals:
    """Sums accounts, in whatever order they come."""

    def __init__(self) -> None:
        self.records: Counter[str] = Counter()
        self.prompts: dict[str, set[str]] = {}
        self.labels: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()

    def add(self, found: Mapping[str, Any]) -> None:
        split = found["split"]
        if split not in HELD:
            self.left_out["records of both splits"] += 1
        elif found["why"] is not None:
            self.left_out["records"] += 1
        else:
            self.records[split] += 1
            self.prompts.setdefault(split, set()).add(found["prompt_id"])
            for kind, name in zip(LABELS, LEFT, strict=True):
                self.labels[kind] += found[kind]
                self.left_out[kind] += found[name]

    def numbers(self, rows: Mapping[str, int]) -> dict[str, Any]:
        """What the card and the manifest say, of a layout's rows by split."""
        left = (*LABELS, "records", "records of both splits")
        return {
            "splits": [
                {
                    "name": split,
                    "rows": rows[split],
                    "records": self.records[split],
                    "prompts": len(self.prompts.get(split, ())),
                }
                for split in HELD
                if rows.get(split)
            ],
            "labels": {kind: self.labels[kind] for kind in LABELS if self.labels[kind]},
            "left_out": {kind: self.left_out[kind] for kind in left if self.left_out[kind]},
        }


class AccountsFile:
    """Takes accounts in order; memory is one row group. Close it, also where writing failed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.waiting: list[dict[str, Any]] = []
        self.parquet = pq.ParquetWriter(self.path, SCHEMA, compression="zstd", store_schema=False)

    def add(self, found: dict[str, Any]) -> None:
        self.waiting.append(found)
        if len(self.waiting) >= WAITING:
            self.flush()

    def flush(self) -> None:
        self.parquet.write_batch(pa.RecordBatch.from_pylist(self.waiting, schema=SCHEMA))
        self.waiting = []

    def close(self) -> None:
        if self.waiting:
            self.flush()
        self.parquet.close()

    def facts(self) -> dict[str, FileFacts]:
        return {NAME: facts(self.path)}


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """A batch at a time. Raises ArrowException or OSError for what can't be read."""
    for batch in pq.ParquetFile(folder / NAME).iter_batches(WAITING):
        yield from batch.to_pylist()
