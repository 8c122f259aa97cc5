"""Whole datasets leave in any layout: loaded by `datasets`, the records say the same again."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import orjson
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from service.export.verify import verify
from service.formats import FORMATS
from service.labels.records import load_records
from service.trainers import LAYOUTS
from tests.service.export.exporting import exported
from tests.service.formats.meaning import judged
from tests.service.formats.test_conformance import read, rows_of
from tests.service.intake.uploading import ingested, new_dataset

pytestmark = pytest.mark.usefixtures("rung")


def name_of(format: str) -> str:
    return f"format:{format}" if format in LAYOUTS and format != "native" else format


def given(client: TestClient, rows: list[dict[str, Any]]) -> str:
    """A dataset of these rows, as "datasets/ID"."""
    dataset = new_dataset(client)
    lines = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    assert ingested(client, dataset, lines)["rejected"] == 0
    return f"datasets/{dataset}"


def loaded(folder: Path, cache: Path) -> dict[str, list[dict[str, Any]]]:
    found = datasets.load_dataset(str(folder), cache_dir=str(cache))
    assert isinstance(found, datasets.DatasetDict)
    return {str(split): [dict(row) for row in rows] for split, rows in found.items()}


def full(value: Any) -> Any:
    """Without the nulls that `datasets` fills a table with."""
    if isinstance(value, dict):
        return {name: full(each) for name, each in value.items() if each is not None}
    return [full(each) for each in value] if isinstance(value, list) else value


def lines(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted((folder / "data").glob("*.jsonl")):
        yield from map(orjson.loads, path.read_bytes().splitlines())


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_leaves_the_store_with_all_labels(
    format: str, client: TestClient, session: Session, tmp_path: Path
) -> None:
    owner, out = given(client, rows_of(format)), tmp_path / "out"
    stored = [each.record for each in load_records(session, uuid.UUID(owner.split("/")[1]))]
    found = exported(client, owner, out, layout=name_of(format), test_fraction=0)
    if found["state"] != "ready":  # a published set that is written as native
        assert found["job"]["error"]["code"] == "preflight_failed", found["job"]
        found = exported(client, owner, out, layout="native", test_fraction=0)
        format = "native"
    assert verify(out) == []
    assert judged(read(FORMATS[format], [*lines(out)])) == judged(stored)
    rows = loaded(out, tmp_path / "cache")["train"]
    assert judged(read(FORMATS[format], full(rows))) == judged(stored)
    [origins] = (out / "provenance").glob("train-*.parquet")
    assert pq.read_table(origins).num_rows == found["rows"]
