"""Exports in trainers' layouts: over REST, by a worker, read by `datasets`, verified."""

import tarfile
import uuid
from io import BytesIO
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from service.export.trainer_folder import PAIR_LAYOUTS
from service.export.verify import verify
from service.tables.access import Workspace
from service.tables.jobs import JobKind
from service.tables.subsets import Subset
from service.trainers import LAYOUTS
from tests.workers.dataset import add_dataset
from tests.workers.subsets import add_subset
from workers.exporting import Exporting
from workers.protocol import run_job

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture
def subset(session: Session, workspace: Workspace) -> Subset:
    found = add_subset(session, add_dataset(session, workspace, 40))
    session.commit()
    return found


def exported(client: TestClient, subset: Subset, out: Path, **body: Any) -> dict[str, Any]:
    """The export once its job has ended, unpacked at `out`."""
    made = client.post(f"/api/v1/subsets/{subset.id}/exports", json=body)
    assert made.status_code == 202, made.text
    run_job(uuid.UUID(made.json()["job"]["id"]), ("cpu",), {JobKind.export: Exporting()})
    id = made.json()["export"]["id"]
    found = client.get(f"/api/v1/exports/{id}").json()
    if found["state"] == "ready":
        archive = client.get(f"/api/v1/exports/{id}/archive").content
        with tarfile.open(fileobj=BytesIO(archive)) as tar:
            tar.extractall(out, filter="data")
        for name in found["files"]:
            assert client.get(f"/api/v1/exports/{id}/files/{name}").status_code == 200
    return found | {"job": client.get(f"/api/v1/jobs/{made.json()['job']['id']}").json()}


TEXTS = [
    name for name in PAIR_LAYOUTS if not (LAYOUTS[name].holds_images or LAYOUTS[name].needs_scores)
]


@pytest.mark.parametrize("layout", TEXTS)
def test_a_layout_has_exact_columns_and_is_loaded(
    layout: str, client: TestClient, subset: Subset, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    found = exported(client, subset, out, layout=layout, test_fraction=0.2)
    assert found["state"] == "ready", found["job"]
    assert verify(out) == []
    loaded = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    assert isinstance(loaded, datasets.DatasetDict)
    assert set(loaded) == {"train", "test"}
    columns = LAYOUTS[layout]().columns
    for split, rows in loaded.items():
        assert tuple(rows.column_names) == columns
        [origins] = (out / "provenance").glob(f"{split}-*.parquet")
        assert pq.read_table(origins).num_rows == len(rows)
    assert sum(map(len, loaded.values())) == found["rows"]


def test_options_weights_and_lengths(client: TestClient, subset: Subset, tmp_path: Path) -> None:
    out = tmp_path / "out"
    found = exported(
        client, subset, out, layout="trl_reward", options={"margin": False}, resample=True
    )
    assert found["state"] == "ready", found["job"]
    assert verify(out) == []
    wrong = {"layout": "trl_reward", "options": {"nope": 1}}
    answer = client.post(f"/api/v1/subsets/{subset.id}/exports", json=wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "wrong_options")
    wanted = "options of trl_reward: there is no 'nope'; it has margin"
    assert answer.json()["detail"] == wanted
    answer = client.post(f"/api/v1/subsets/{subset.id}/exports", json={"layout": "nope"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_layout")
    model = {"layout": "trl_preference", "tokenizer": "/etc", "max_length": 8}
    refused = exported(client, subset, tmp_path / "none", **model)
    assert refused["job"]["error"]["code"] == "model_not_allowed"


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"layout": "huggingface", "tokenizer": "gpt2", "max_length": 5}, "tokenizer"),
        ({"layout": "huggingface", "options": {"margin": True}}, "options"),
        ({"layout": "huggingface", "leave_out": True}, "leave_out"),
        ({"layout": "ranked", "resample": True}, "resample"),
    ],
)
def test_what_a_layout_of_its_kind_has_no_use_for_is_refused(
    client: TestClient, subset: Subset, wanted: dict[str, Any], field: str
) -> None:
    answer = client.post(f"/api/v1/subsets/{subset.id}/exports", json=wanted)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "wrong_options"), problem
    assert problem["field"] == field


def test_a_changed_file_and_a_leak_are_found(
    client: TestClient, subset: Subset, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    exported(client, subset, out, layout="nemo_rl", test_fraction=0.2)
    (out / "data" / "train.jsonl").write_bytes(b"{}\n")
    assert {found.file for found in verify(out)} == {"data/train.jsonl", "README.md"}


def test_the_same_export_is_the_same_bytes(
    client: TestClient, subset: Subset, tmp_path: Path
) -> None:
    one = exported(client, subset, tmp_path / "one", layout="llamafactory")
    two = exported(client, subset, tmp_path / "two", layout="llamafactory")
    assert one["files"] == two["files"]
