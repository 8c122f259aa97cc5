"""Every answer has the shape that the dataset viewer's OpenAPI description gives it."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import datasets
import mlcroissant
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator
from sqlalchemy import update
from sqlalchemy.orm import Session

from service.tables.access import Workspace
from service.tables.datasets import Dataset, Upload
from service.viewer import parquet_files
from service.viewer.parquet_files import convert
from tests.service.viewer.scored import add_style
from tests.workers.dataset import add_dataset

SCHEMA = json.loads(Path(__file__).with_name("viewer.schema.json").read_text())
KINDS = ["rows", "first-rows", "splits", "is-valid", "statistics", "size", "info", "parquet"]


@pytest.fixture
def dataset(session: Session, workspace: Workspace) -> Dataset:
    found = add_dataset(session, workspace, 12)
    add_style(session, found)
    return found


@pytest.mark.parametrize("pairs", [0, 12])
@pytest.mark.parametrize("kind", KINDS)
def test_answers_have_the_viewers_shape(
    client: TestClient, session: Session, workspace: Workspace, kind: str, pairs: int
) -> None:
    dataset = add_dataset(session, workspace, pairs)
    add_style(session, dataset)
    answer = client.get(f"/api/v1/viewer/{kind}", params={"dataset": dataset.name})
    assert answer.status_code == 200, answer.text
    shape = {"$ref": f"#/$defs/{kind}", "$defs": SCHEMA["$defs"]}
    assert [error.message for error in Draft202012Validator(shape).iter_errors(answer.json())] == []
    by_id = client.get(f"/api/v1/datasets/{dataset.id}/{kind}")
    assert by_id.json() == answer.json()


def test_the_features_are_those_of_the_parquet_files(client: TestClient, dataset: Dataset) -> None:
    listed = client.get(f"/api/v1/datasets/{dataset.id}/parquet").json()
    info = client.get(f"/api/v1/datasets/{dataset.id}/info").json()["dataset_info"]
    [file] = listed["parquet_files"]
    content = client.get(file["url"]).content
    found = datasets.Features.from_arrow_schema(pq.read_schema(io.BytesIO(content)))
    assert datasets.Features.from_dict(listed["features"]) == found
    assert info["features"] == listed["features"]
    assert info["splits"]["train"]["num_examples"] == 12
    assert info["download_size"] == file["size"] == len(content)


def test_the_sizes_are_those_of_the_files(client: TestClient, dataset: Dataset) -> None:
    path = f"/api/v1/datasets/{dataset.id}"
    before = client.get(f"{path}/size").json()
    assert before["size"]["dataset"]["num_bytes_parquet_files"] == 0
    assert [job["kind"] for job in before["pending"]] == ["config-parquet"]
    [file] = client.get(f"{path}/parquet").json()["parquet_files"]
    after = client.get(f"{path}/size").json()
    assert after["size"]["splits"][0]["num_bytes_parquet_files"] == file["size"]
    assert after["pending"] == []


def test_croissant_names_the_files_with_their_hashes(client: TestClient, dataset: Dataset) -> None:
    document: dict[str, Any] = client.get(f"/api/v1/datasets/{dataset.id}/croissant").json()
    found: Any = mlcroissant.Dataset(jsonld=document)
    assert not found.metadata.issues.errors
    file = document["distribution"][0]
    content = client.get(file["contentUrl"]).content
    assert hashlib.sha256(content).hexdigest() == file["sha256"]
    names = [field["name"] for field in document["recordSet"][1]["field"]]
    assert names[:4] == ["split", "prompt", "chosen", "rejected"]


def test_a_large_dataset_is_converted_over_several_requests(
    session: Session, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_files, "SHARD_PAGES", 1)
    monkeypatch.setattr("service.viewer.snapshots.ANCHOR_ROWS", 5)
    dataset = add_dataset(session, workspace, 12)
    made = [len(convert(dataset.id, seconds=0)[1]) for _ in range(2)]
    snapshot, shards = convert(dataset.id)
    assert made == [1, 2]
    assert [shard.rows for shard in shards] == [5, 5, 2]
    assert sum(shard.rows for shard in shards) == snapshot.rows


def test_a_changed_dataset_has_other_files(
    client: TestClient, session: Session, dataset: Dataset
) -> None:
    path = f"/api/v1/datasets/{dataset.id}/parquet"
    before = client.get(path).json()["parquet_files"]
    session.execute(update(Upload).values(pairs=11).where(Upload.dataset_id == dataset.id))
    session.commit()
    assert client.get(before[0]["url"]).status_code == 404
    after = client.get(path).json()["parquet_files"]
    assert client.get(after[0]["url"]).status_code == 200
