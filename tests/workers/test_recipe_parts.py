"""A recipe's needs, pair policy, outputs and export, from the request to the exported rows."""

import uuid
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from curation.recipes import What
from service.labels.facts import load_facts
from service.labels.holdings import COUNTED, holdings
from service.tables.jobs import Job, JobKind
from service.tables.subsets import Export
from tests.service.intake.uploading import ingested, new_dataset
from tests.service.labels.pair_building import rating_lines
from tests.workers.test_pairing import exported
from workers.protocol import run_job
from workers.selecting import Selecting

Rung = list[tuple[str, str]]
SCORES = {f"prompt {i}": {"a": 7.0, "b": 5.0 - i % 2, "c": 2.0} for i in range(12)}
STAGED: dict[str, Any] = {
    "id": "staged",
    "title": "Pairs in stages, their margin as a weight",
    "needs": [
        {"what": "ratings", "for": "the pairs"},
        {"what": "judge", "for": "a second look", "without": "nobody looks again"},
    ],
    "pairs": "curry",
    "signals": {"said": {"kind": "label_facts"}},
    "terms": {"margin": "said.margin", "stage": "said.curriculum_stage", "gold": "said.gold"},
    "selector": {"kind": "gates", "all": [{"term": "stage", "at_most": 1}], "then": {
        "kind": "top", "term": "margin"}},
    "budget": "100%",
    "outputs": {"weight": "margin", "margin": "stage", "verified": "gold"},
    "export": {"layout": "huggingface"},
    "expects": [{"check": "mean_not_below_pool", "term": "margin"}],
}  # fmt: skip


@pytest.fixture
def dataset(client: TestClient, rung: Rung) -> str:
    dataset = new_dataset(client)
    ingested(client, dataset, rating_lines(SCORES))
    return dataset


def selected(client: TestClient, dataset: str, recipe: dict[str, Any]) -> dict[str, Any]:
    made = client.post(f"/api/v1/datasets/{dataset}/subsets", json={"recipe": recipe}).json()
    run_job(uuid.UUID(made["job"]["id"]), ("cpu", "gpu"), {JobKind.select: Selecting()})
    subset = client.get(f"/api/v1/subsets/{made['subset']['id']}").json()
    return {**subset, "job": made["job"]["id"]}


def test_a_recipe_builds_its_pairs_and_its_terms_leave_as_columns(
    client: TestClient, session: Session, dataset: str
) -> None:
    subset = selected(client, dataset, STAGED)
    assert (subset["state"], subset["pool"], subset["size"]) == ("ready", 24, 12)
    manifest = subset["manifest"]
    assert manifest["degraded"] == [
        "judge: nobody looks again", "gold: no pair has it (not_said)",
    ]  # fmt: skip
    assert [one["held"] for one in manifest["expects"]] == [True]
    table, described = exported(client, session, subset["id"])
    rows = table.to_pylist()
    assert [row["weight"] for row in rows] == [row["label_margin"] for row in rows] == [5.0] * 12
    assert {row["margin"] for row in rows} == {1.0}
    assert {row["verified"] for row in rows} == {None}
    meanings = {column["name"]: column["meaning"] for column in described["columns"]}
    assert meanings["weight"] == "margin of the recipe: said.margin"
    assert meanings["label_margin"].startswith("how far apart")


def test_a_recipe_whose_needs_are_unmet_fails_with_what_is_missing(
    client: TestClient, session: Session, dataset: str
) -> None:
    needs = [{"what": "gold", "for": "calibration", "least": 200}]
    subset = selected(client, dataset, {**STAGED, "needs": needs})
    assert subset["state"] == "failed"
    error = session.get_one(Job, uuid.UUID(subset["job"])).error or {}
    assert (error["code"], error["needs"]) == ("recipe_needs", ["gold"])
    assert "it needs gold >= 200 (calibration)" in error["detail"]


def test_an_export_takes_the_layout_of_the_recipe_where_none_is_named(
    client: TestClient, session: Session, dataset: str
) -> None:
    wish = {"layout": "trl_reward", "options": {"margin": True}}
    subset = selected(client, dataset, {**STAGED, "export": wish})
    for body, layout in (({}, "trl_reward"), ({"layout": "huggingface"}, "huggingface")):
        made = client.post(f"/api/v1/subsets/{subset['id']}/exports", json=body).json()
        export = session.get_one(Export, uuid.UUID(made["export"]["id"]))
        assert export.layout == layout
        assert export.options["options"] == (wish["options"] if not body else {})


def test_what_a_dataset_holds_is_counted(
    client: TestClient, session: Session, dataset: str
) -> None:
    found = holdings(session, uuid.UUID(dataset), What)
    assert set(found) == set(COUNTED)
    assert found[What.ratings] == 36
    there = {What.ratings, What.annotators, What.models}
    assert {what for what, count in found.items() if count} == there
    lines = client.get(f"/api/v1/datasets/{dataset}/recipes").json()
    runs = {line["name"]: line["runs"] for line in lines}
    assert runs["conformal_clean"] == "needs:[gold >= 200]"
    assert load_facts(session, uuid.UUID(dataset), [], ["gold", "votes"])["gold"].shape == (0,)
