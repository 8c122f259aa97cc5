"""Pairs and records to write, and a writer of files as an export would lay them out."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from service.export.layout import PairLayout, Place, RecordLayout, TrainerLayout, TrainingPair
from service.export.layout import TrainingRecord as Whole
from service.formats.record import Message
from service.trainers import LAYOUTS


def user(text: str) -> list[Message]:
    return [{"role": "user", "content": text}]


def says(text: str) -> list[Message]:
    return [{"role": "assistant", "content": text}]


def pair(index: int, prompt: list[Message] | None = None, **given: Any) -> TrainingPair:
    found: dict[str, Any] = {
        "prompt": prompt or user(f"question {index // 2}"),
        "chosen": says(f"good {index}"),
        "rejected": says(f"bad {index}"),
        "pair_id": f"pair-{index}",
        "prompt_id": f"prompt-{index // 2}",
        "margin": index / 4,
        "score_chosen": index / 2,
        "score_rejected": index / 4,
        "origin": {"pair_id": f"pair-{index}"},
    }
    return TrainingPair(**found | given)


DIALOGUE: list[Message] = [
    {"role": "system", "content": "Be brief."},
    *user("Hi"),
    *says("Hello."),
    *user("2 + 2?"),
]
PAIRS = [*(pair(index) for index in range(6)), pair(6, DIALOGUE)]
PAIR_LAYOUTS = [  # of texts
    name for name, each in LAYOUTS.items() if issubclass(each, PairLayout) and not each.holds_images
]


def rows(layout: TrainerLayout, given: Sequence[Any]) -> list[dict[str, Any]]:
    if isinstance(layout, PairLayout):
        return [row.values for row in layout.rows(given)]
    assert isinstance(layout, RecordLayout)
    return [row.values for row in layout.rows([whole(each) for each in given])]


def whole(record: Any) -> Whole:
    return record if isinstance(record, Whole) else Whole(record, "prompt")


def write(layout: TrainerLayout, splits: dict[str, Sequence[Any]], folder: Path) -> Place:
    """Data files and configuration in the folder, as an export has them."""
    (folder / "data").mkdir(exist_ok=True)
    files: dict[str, list[str]] = {}
    for split, given in splits.items():
        path = f"data/{split}-00000-of-00001.{layout.file_kind}"
        write_file(layout, rows(layout, given), folder / path)
        files[split] = [path]
    place = Place("mine", files, 128)
    for path, content in layout.config_files(place).items():
        (folder / path).write_bytes(content)
    return place


def write_file(layout: TrainerLayout, found: list[dict[str, Any]], path: Path) -> None:
    if layout.file_kind == "parquet":
        pq.write_table(pa.Table.from_pylist(found, schema=layout.features()), path)
    elif layout.file_kind == "jsonl":
        path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in found))
    else:
        with path.open("w", newline="") as file:
            table = csv.DictWriter(file, layout.columns)
            table.writeheader()
            table.writerows(found)
