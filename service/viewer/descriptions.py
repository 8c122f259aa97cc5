"""What the dataset viewer says of a dataset as a whole: splits, size, info, files, Croissant."""

from collections.abc import Sequence
from typing import Any

from service.export import croissant
from service.export.croissant import DataFile, Description
from service.tables.datasets import Dataset
from service.tables.viewer import ParquetShard, Snapshot
from service.viewer.fields import schema
from service.viewer.parquet_files import file_name, shard_count
from service.viewer.snapshots import fields_of

CONFIG, SPLIT = "default", "train"


def split_item(dataset: Dataset) -> dict[str, str]:
    return {"dataset": dataset.name, "config": CONFIG, "split": SPLIT}


def conversion(dataset: Dataset, snapshot: Snapshot, shards: Sequence[ParquetShard]) -> list[Any]:
    """The work that is left, as the viewer lists it."""
    left = len(shards) < shard_count(snapshot)
    return [{**split_item(dataset), "kind": "config-parquet"}] if left else []


def size(
    dataset: Dataset, snapshot: Snapshot, shards: Sequence[ParquetShard], original: int
) -> dict[str, Any]:
    """Rows, columns and bytes: of the files as uploaded, as Parquet and in memory."""
    measured = {
        "num_bytes_parquet_files": sum(shard.size for shard in shards),
        "num_bytes_memory": sum(shard.memory for shard in shards),
        "num_rows": snapshot.rows,
        "estimated_num_rows": None,
    }
    columns = {"num_columns": len(fields_of(snapshot))}
    original_bytes = {"num_bytes_original_files": original}
    own = split_item(dataset)
    config = {"dataset": dataset.name, "config": CONFIG}
    return {
        "size": {
            "dataset": {"dataset": dataset.name, **original_bytes, **measured},
            "configs": [{**config, **original_bytes, **measured, **columns}],
            "splits": [{**own, **measured, **columns}],
        },
        "pending": conversion(dataset, snapshot, shards),
        "failed": [],
        "partial": False,
    }


def info(dataset: Dataset, snapshot: Snapshot, shards: Sequence[ParquetShard]) -> dict[str, Any]:
    """A DatasetInfo as the `datasets` library writes it."""
    memory = sum(shard.memory for shard in shards)
    split = {
        "name": SPLIT, "num_bytes": memory, "num_examples": snapshot.rows, "dataset_name": None,
    }  # fmt: skip
    described = {
        "description": "",
        "citation": "",
        "homepage": "",
        "license": dataset.license or "",
        "features": {found.name: found.feature for found in fields_of(snapshot)},
        "builder_name": "parquet",
        "dataset_name": dataset.name,
        "config_name": CONFIG,
        "version": {"version_str": "0.0.0", "major": 0, "minor": 0, "patch": 0},
        "splits": {SPLIT: split},
        "download_size": sum(shard.size for shard in shards),
        "dataset_size": memory,
    }
    pending = conversion(dataset, snapshot, shards)
    return {"dataset_info": described, "pending": pending, "failed": [], "partial": False}


def parquet(
    dataset: Dataset, snapshot: Snapshot, shards: Sequence[ParquetShard], folder: str
) -> dict[str, Any]:
    listed = [
        {
            **split_item(dataset),
            "url": f"{folder}/{file_name(snapshot, shard.ordinal)}",
            "filename": file_name(snapshot, shard.ordinal),
            "size": shard.size,
        }
        for shard in shards
    ]
    return {
        "parquet_files": listed,
        "features": {found.name: found.feature for found in fields_of(snapshot)},
        "pending": conversion(dataset, snapshot, shards),
        "failed": [],
        "partial": False,
    }


def croissant_of(
    dataset: Dataset, snapshot: Snapshot, shards: Sequence[ParquetShard], url: str
) -> dict[str, Any]:
    """JSON-LD; its files are downloaded with an API key."""
    fields = fields_of(snapshot)
    described = Description(
        name=dataset.name,
        text=f"Preference pairs of {dataset.name}: {snapshot.rows} rows.",
        license=dataset.license,
        url=url,
        published=dataset.created_at.date().isoformat(),
        meanings={found.name: found.meaning for found in fields},
    )
    named = [
        DataFile(
            f"{url}/parquet/{file_name(snapshot, shard.ordinal)}", SPLIT, shard.sha256, shard.size
        )
        for shard in shards
    ]
    return croissant.build(described, schema(fields), named)
