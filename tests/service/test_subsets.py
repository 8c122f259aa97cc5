import uuid

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.auth import create_key
from service.tables.access import Workspace
from service.tables.datasets import Dataset
from service.tables.jobs import Job, JobKind
from service.tables.subsets import Export, Subset
from tests.workers.dataset import add_dataset
from tests.workers.subsets import add_subset
from workers.exporting import Exporting
from workers.protocol import run_job

Rung = list[tuple[str, str]]


@pytest.fixture
def dataset(session: Session, workspace: Workspace) -> Dataset:
    return add_dataset(session, workspace, 10)


@pytest.fixture
def subset(session: Session, dataset: Dataset) -> Subset:
    found = add_subset(session, dataset)
    session.commit()
    return found


@pytest.fixture
def stranger(session: Session, client: TestClient) -> dict[str, str]:
    """Headers of a key of another workspace."""
    other = Workspace(name="other")
    session.add(other)
    session.flush()
    key = create_key(session, other, "other")
    session.commit()
    return {"Authorization": f"Bearer {key}"}


def export(client: TestClient, session: Session, subset: Subset) -> Export:
    answer = client.post(f"/api/v1/subsets/{subset.id}/exports", json={})
    assert answer.status_code == 202, answer.text
    run_job(uuid.UUID(answer.json()["job"]["id"]), ("cpu",), {JobKind.export: Exporting()})
    made = session.get_one(Export, uuid.UUID(answer.json()["export"]["id"]))
    session.refresh(made)
    return made


def test_a_subset_is_asked_for_with_the_name_of_a_recipe(
    client: TestClient, session: Session, dataset: Dataset, rung: Rung
) -> None:
    answer = client.post(
        f"/api/v1/datasets/{dataset.id}/subsets", json={"recipe": "fifa", "budget": "20%"}
    )
    assert answer.status_code == 202
    subset, job = answer.json()["subset"], answer.json()["job"]
    assert (subset["state"], subset["budget"], subset["seed"]) == ("pending", "20%", 0)
    assert subset["job_id"] == job["id"]
    assert rung == [(job["id"], "cpu")]
    assert client.get(f"/api/v1/subsets/{subset['id']}").json() == subset


def test_a_whole_recipe_can_be_sent(client: TestClient, dataset: Dataset, rung: Rung) -> None:
    recipe = {"id": "mine", "title": "Mine", "selector": {"kind": "random"}, "budget": "3"}
    answer = client.post(f"/api/v1/datasets/{dataset.id}/subsets", json={"recipe": recipe})
    assert answer.status_code == 202, answer.text
    assert answer.json()["subset"]["budget"] == "3"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"recipe": "nothing"}, "known: audit_only"),
        ({"recipe": "/etc/passwd.yaml"}, "there is no recipe"),
        ({"recipe": "fifa", "budget": "0"}, "give at least 1"),
        ({"recipe": "fifa", "budget": "101%"}, "at most 100"),
        ({"recipe": "fifa", "budget": "-5"}, "a budget is"),
        ({"recipe": "fifa", "budget": "many"}, "a budget is"),
        ({"recipe": "fifa", "seed": -1}, "seed"),
        ({"recipe": "fifa", "sed": 1}, "sed"),
        ({"recipe": {"id": "x", "title": "x", "selector": {"kind": "magic"}}}, "magic"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    client: TestClient, session: Session, dataset: Dataset, body: dict[str, object], said: str
) -> None:
    answer = client.post(f"/api/v1/datasets/{dataset.id}/subsets", json=body)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert session.scalars(select(Subset)).first() is None


@pytest.mark.parametrize("kept", [None, True, False])
def test_pages_of_items_hold_every_pair_once(
    client: TestClient, subset: Subset, kept: bool | None
) -> None:
    query = f"/api/v1/subsets/{subset.id}/items?limit=2"
    query += "" if kept is None else f"&kept={str(kept).lower()}"
    page = client.get(query).json()
    items = page["items"]
    while page["next_cursor"]:
        page = client.get(f"{query}&cursor={page['next_cursor']}").json()
        items += page["items"]
    assert len({item["pair_id"] for item in items}) == len(items) == (10 if kept is None else 5)
    reasons = {(item["reason"] == "selected", item["rank"] is not None) for item in items}
    assert reasons == ({(True, True), (False, False)} if kept is None else {(kept, kept)})
    if kept:
        assert [item["rank"] for item in items] == [1, 2, 3, 4, 5]


def test_subsets_of_a_dataset_are_listed_in_pages(
    client: TestClient, session: Session, dataset: Dataset, rung: Rung
) -> None:
    for _ in range(3):
        client.post(f"/api/v1/datasets/{dataset.id}/subsets", json={"recipe": "random"})
    first = client.get(f"/api/v1/datasets/{dataset.id}/subsets?limit=2").json()
    second = client.get(
        f"/api/v1/datasets/{dataset.id}/subsets?limit=2&cursor={first['next_cursor']}"
    ).json()
    assert (len(first["items"]), len(second["items"]), second["next_cursor"]) == (2, 1, None)


def test_a_pending_subset_is_neither_evaluated_nor_exported(
    client: TestClient, session: Session, subset: Subset
) -> None:
    subset.state = "pending"
    session.commit()
    for action in ("evaluate", "exports"):
        answer = client.post(f"/api/v1/subsets/{subset.id}/{action}", json={})
        assert (answer.status_code, answer.json()["code"]) == (409, "subset_not_ready")


def test_files_and_archive_of_an_export_can_be_downloaded(
    client: TestClient, session: Session, subset: Subset, rung: Rung
) -> None:
    made = export(client, session, subset)
    listed = client.get(f"/api/v1/exports/{made.id}").json()
    assert "key" not in listed["files"]["README.md"]
    for path, found in listed["files"].items():
        answer = client.get(f"/api/v1/exports/{made.id}/files/{path}")
        assert len(answer.content) == found["bytes"]
    page = client.get(f"/api/v1/exports/{made.id}/files/report.html")
    assert "sandbox" in page.headers["content-security-policy"]
    first, second = (client.get(f"/api/v1/exports/{made.id}/archive") for _ in range(2))
    assert first.content == second.content
    assert len(first.content) == int(first.headers["content-length"])


@pytest.mark.parametrize(
    "path",
    [
        "../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd",
        "/etc/passwd", "%2Fetc%2Fpasswd", "data%2f..%2fREADME.md", "data", "", "README.md%00.html",
        "..%5c..%5cwindows", "readme.md", "artifacts/00/00",
    ],
)  # fmt: skip
def test_only_files_of_the_export_can_be_named(
    client: TestClient, session: Session, subset: Subset, rung: Rung, path: str
) -> None:
    made = export(client, session, subset)
    answer = client.get(f"/api/v1/exports/{made.id}/files/{path}")
    assert answer.status_code == 404


def test_another_tenant_finds_nothing(
    client: TestClient,
    session: Session,
    subset: Subset,
    stranger: dict[str, str],
    rung: Rung,
) -> None:
    made = export(client, session, subset)
    jobs = session.scalars(select(Job.id)).all()
    for method, path in [
        ("GET", f"subsets/{subset.id}"),
        ("GET", f"subsets/{subset.id}/items"),
        ("POST", f"subsets/{subset.id}/evaluate"),
        ("POST", f"subsets/{subset.id}/exports"),
        ("GET", f"datasets/{subset.dataset_id}/subsets"),
        ("GET", f"exports/{made.id}"),
        ("GET", f"exports/{made.id}/files/README.md"),
        ("GET", f"exports/{made.id}/archive"),
    ]:
        answer = client.request(method, f"/api/v1/{path}", headers=stranger, json={})
        assert answer.status_code == 404, path
    assert session.scalars(select(Job.id)).all() == jobs
