"""A build's pairs are scored, selected and exported like any others."""

import io
import uuid
from typing import Any

import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from service import files
from service.labels import pair_builds
from service.tables.jobs import JobKind
from service.tables.subsets import Export
from tests.service.intake.uploading import ingested, new_dataset
from tests.service.labels.pair_building import ask, built, pairs_of, rating_lines
from workers.exporting import Exporting
from workers.pairing import Pairing
from workers.protocol import run_job
from workers.selecting import Selecting

Rung = list[tuple[str, str]]
SCORES = {f"prompt {i}": {"a": 7.0, "b": 5.0 - i % 2, "c": 2.0} for i in range(12)}


@pytest.fixture
def dataset(client: TestClient, rung: Rung) -> str:
    dataset = new_dataset(client)
    ingested(client, dataset, rating_lines(SCORES))
    return dataset


def subset_of(client: TestClient, dataset: str, budget: str) -> str:
    body = {"recipe": "random", "budget": budget}
    made = client.post(f"/api/v1/datasets/{dataset}/subsets", json=body).json()
    run_job(uuid.UUID(made["job"]["id"]), ("cpu",), {JobKind.select: Selecting()})
    found = client.get(f"/api/v1/subsets/{made['subset']['id']}").json()
    assert found["state"] == "ready"
    return found["id"]


def exported(client: TestClient, session: Session, subset: str) -> tuple[Any, dict[str, Any]]:
    """The rows of its training split, and the manifest."""
    body = {"test_fraction": 0}
    made = client.post(f"/api/v1/subsets/{subset}/exports", json=body).json()
    run_job(uuid.UUID(made["job"]["id"]), ("cpu",), {JobKind.export: Exporting()})
    export = session.get_one(Export, uuid.UUID(made["export"]["id"]))
    session.refresh(export)
    assert export.files is not None
    with files.open(export.files["data/train-00000-of-00001.parquet"]["key"]) as file:
        table = pq.read_table(io.BytesIO(file.read()))
    manifest = client.get(f"/api/v1/exports/{export.id}/files/manifest.json").json()
    return table, manifest


def test_margin_and_stage_leave_with_the_pairs_and_the_policy_with_the_manifest(
    client: TestClient, session: Session, dataset: str
) -> None:
    build = built(client, dataset, "curry")
    assert build["pairs"] == 24
    table, manifest = exported(client, session, subset_of(client, dataset, "100%"))
    pairs = {pair["id"]: pair for pair in pairs_of(client, dataset)}
    assert len(table) == 24
    for row in table.to_pylist():
        pair = pairs[row["pair_id"]]
        assert row["chosen"][-1]["content"] == pair["chosen"]["text"]
        assert (row["margin"], row["curriculum_stage"]) == (
            pair["margin"], pair["curriculum_stage"],
        )  # fmt: skip
    assert "soft_label" not in table.column_names
    (listed,) = manifest["pair_builds"]
    assert (listed["sha256"], listed["kept"]) == (build["policy_sha256"], 24)
    assert {"margin", "curriculum_stage"} <= {column["name"] for column in manifest["columns"]}


def test_an_export_without_such_labels_has_no_such_columns(
    client: TestClient, session: Session, rung: Rung
) -> None:
    plain = new_dataset(client, "plain")
    lines = [b'{"prompt": "p%d", "chosen": "yes", "rejected": "no"}\n' % i for i in range(4)]
    ingested(client, plain, b"".join(lines))
    table, manifest = exported(client, session, subset_of(client, plain, "100%"))
    assert not {"margin", "soft_label", "curriculum_stage"} & set(table.column_names)
    assert manifest["pair_builds"] == []


def test_a_failed_build_leaves_nothing_and_is_built_anew_when_asked_again(
    client: TestClient, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair_builds, "CHUNK", 10)
    calls: list[int] = []
    write = pair_builds.write

    def fail_late(session: Session, rows: list[tuple[Any, ...]]) -> int:
        calls.append(len(rows))
        if len(calls) % 2 == 0:
            raise RuntimeError("the disk is full")
        return write(session, rows)

    monkeypatch.setattr(pair_builds, "write", fail_late)
    made = ask(client, dataset, "curry").json()
    job = uuid.UUID(made["job"]["id"])
    for _ in range(3):
        with pytest.raises(RuntimeError, match="full"):
            run_job(job, ("cpu",), {JobKind.pair_build: Pairing()})
    path = f"/api/v1/datasets/{dataset}/pair-builds/{made['build']['id']}"
    assert client.get(path).json()["state"] == "failed"
    assert pairs_of(client, dataset) == []
    monkeypatch.setattr(pair_builds, "write", write)
    again = built(client, dataset, "curry")
    assert (again["state"], again["pairs"]) == ("ready", 24)
    assert again["id"] != made["build"]["id"]


def test_a_cancelled_build_is_built_anew_when_asked_again(client: TestClient, dataset: str) -> None:
    made = ask(client, dataset, "curry").json()
    assert client.post(f"/api/v1/jobs/{made['job']['id']}/cancel").status_code == 200
    again = ask(client, dataset, "curry")
    assert (again.status_code, again.json()["build"]["id"] != made["build"]["id"]) == (202, True)
