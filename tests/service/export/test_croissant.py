"""Croissant metadata: mlcroissant validates it, and reads the rows back through it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import mlcroissant
import pyarrow as pa
import pyarrow.parquet as pq

from service.export import croissant
from service.export.croissant import DataFile, Description
from service.export.shards import MESSAGES

SCHEMA = pa.schema(
    [("prompt", MESSAGES), ("pair_id", pa.string()), ("votes", pa.int64()), ("p", pa.float64())]
)
DESCRIBED = Description(
    "pairs", "Preference pairs.", "mit", "https://example.org/pairs", "2026-01-31", {"p": "odds"}
)


def row(i: int) -> dict[str, Any]:
    prompt = [{"role": "user", "content": f"héllo {i}"}, {"role": "assistant", "content": "🙂"}]
    return {"prompt": prompt[: i % 2 + 1], "pair_id": str(i), "votes": i, "p": None}


def written(folder: Path, shards: list[tuple[str, str, list[dict[str, Any]]]]) -> Path:
    files: list[DataFile] = []
    (folder / "data").mkdir()
    for split, number, rows in shards:
        path = folder / "data" / f"{split}-{number}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), path)
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        files.append(DataFile(f"data/{path.name}", split, digest, len(content)))
    path = folder / croissant.NAME
    path.write_text(json.dumps(croissant.build(DESCRIBED, SCHEMA, files)))
    return path


def text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def test_mlcroissant_reads_every_row_of_every_shard_with_its_split(tmp_path: Path) -> None:
    shards = [
        ("train", "00000-of-00002", [row(0), row(1)]),
        ("train", "00001-of-00002", [row(2)]),
        ("test", "00000-of-00001", [row(3)]),
    ]
    found: Any = mlcroissant.Dataset(str(written(tmp_path, shards)))
    assert not found.metadata.issues.errors
    rows = sorted(found.records("default"), key=lambda each: each["default/votes"])
    assert [text(each["default/pair_id"]) for each in rows] == ["0", "1", "2", "3"]
    assert [text(each["default/split"]) for each in rows] == ["train", "train", "train", "test"]
    assert [len(each["default/prompt"]) for each in rows] == [1, 2, 1, 2]
    said = rows[1]["default/prompt"][0]
    assert text(said["default/prompt/content"]) == "héllo 1"


def test_every_file_is_named_with_its_hash_and_size(tmp_path: Path) -> None:
    path = written(tmp_path, [("train", "00000-of-00001", [row(0)])])
    listed = json.loads(path.read_text())["distribution"][0]
    content = (tmp_path / listed["contentUrl"]).read_bytes()
    assert listed["sha256"] == hashlib.sha256(content).hexdigest()
    assert listed["contentSize"] == f"{len(content)} B"


def test_a_dataset_without_files_is_valid(tmp_path: Path) -> None:
    document = croissant.build(DESCRIBED, SCHEMA, [])
    found = mlcroissant.Dataset(jsonld=document)
    assert not found.metadata.issues.errors
    assert document["recordSet"] == []
