"""Signals that learn do so from the pairs that a subset is selected from, and from no others."""

import gzip
import uuid
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.tables.jobs import JobKind
from service.tables.scores import FitRow
from tests.conftest import DATA
from tests.service.intake.uploading import ingested, new_dataset
from tests.workers.composing import ids, items, made
from workers.protocol import run_job, run_next
from workers.selecting import Selecting

pytestmark = [pytest.mark.usefixtures("rung"), pytest.mark.realdata]
FILE = DATA / "llmbar" / "natural_neighbor.jsonl.gz"
LEARNING: dict[str, Any] = {
    "id": "learning",
    "title": "By what was learnt of margins and of prompts",
    "pairs": "correct_vs_incorrect",
    "signals": {
        "margin": {"kind": "reward_margin", "bootstraps": 2, "heads": ["style", "response"]},
        "novelty": {"kind": "knn_novelty", "k": 2},
    },
    "terms": {"margin": "margin.margin_mean", "novelty": "novelty.log_distance"},
    "selector": {"kind": "fifa", "alpha": 0.0},
    "budget": "50%",
}
FACTS = {**LEARNING, "signals": {"strength": {"kind": "preference_strength", "folds": 3}},
         "terms": {"mu": "strength.mu"}, "selector": {"kind": "top", "term": "mu"}}  # fmt: skip
RECIPES = ["ultrainteract_tree", "curry", LEARNING, FACTS]


@pytest.fixture
def lines() -> list[bytes]:
    with gzip.open(FILE) as rows:
        return [next(rows) for _ in range(24)]


def dataset(client: TestClient, name: str, lines: list[bytes], decide: str) -> str:
    owner = new_dataset(client, name)
    ingested(client, owner, b"".join(lines), filename="llmbar.jsonl", decide=decide)
    return f"datasets/{owner}"


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda each: str(each)[:8])
def test_a_recipe_that_builds_its_pairs_keeps_the_same_whatever_else_the_dataset_holds(
    client: TestClient, lines: list[bytes], recipe: Any
) -> None:
    alone = made(client, dataset(client, "curated", lines, "none"), recipe=recipe)
    beside = made(client, dataset(client, "uploaded", lines, "majority"), recipe=recipe)
    assert ids(client, beside) == ids(client, alone)
    assert beside["pool"] == alone["pool"] > 10
    assert [item["importance"] for item in items(client, beside)] == [
        item["importance"] for item in items(client, alone)
    ]
    assert beside["manifest"]["expects"] == alone["manifest"]["expects"]


def test_behind_a_filter_it_learns_from_what_the_filter_keeps(
    client: TestClient, session: Session, lines: list[bytes]
) -> None:
    whole = dataset(client, "whole", lines, "majority")
    wanted = {"recipe": LEARNING, "where": "source.line <= 12"}
    preview = client.post(f"/api/v1/{whole}/subsets", json={**wanted, "preview": True}).json()
    assert [each["items"] for each in preview["signals"]] == [preview["candidates"]] * 2
    found = made(client, whole, **wanted)
    alone = made(client, dataset(client, "part", lines[:12], "none"), recipe=LEARNING)
    assert ids(client, found) == ids(client, alone)
    fits = select(FitRow).order_by(FitRow.id)
    before = [fit.id for fit in session.scalars(fits)]
    again = made(client, whole, **wanted, seed=1)
    assert [fit.id for fit in session.scalars(fits)] == before  # shared by subsets of one pool
    assert again["manifest"]["signals"] == found["manifest"]["signals"]
    preview = client.post(f"/api/v1/{whole}/subsets", json={**wanted, "preview": True}).json()
    assert [each["missing"] for each in preview["signals"]] == [0, 0]
    everything = made(client, whole, recipe={**LEARNING, "pairs": None})
    assert [use["fit"]["items"] for use in everything["manifest"]["signals"]] == [
        everything["pool"],
        24,
    ]


def test_a_pool_that_grows_is_learnt_from_again(client: TestClient, lines: list[bytes]) -> None:
    owner = dataset(client, "grows", lines[:12], "majority")
    made(client, owner, recipe=LEARNING)
    ingested(client, owner.removeprefix("datasets/"), b"".join(lines[12:]), filename="b.jsonl")
    grown = made(client, owner, recipe=LEARNING)
    alone = made(client, dataset(client, "at once", lines, "none"), recipe=LEARNING)
    assert ids(client, grown) == ids(client, alone)


def test_a_build_that_is_deleted_under_a_selection_is_said_and_nothing_else_is_taken(
    client: TestClient, lines: list[bytes]
) -> None:
    owner = dataset(client, "deleted", lines, "majority")
    wanted = {"recipe": "random", "policy": "correct_vs_incorrect"}
    began = client.post(f"/api/v1/{owner}/subsets", json=wanted).json()
    job, handler = uuid.UUID(began["job"]["id"]), Selecting()
    while not (builds := client.get(f"/api/v1/{owner}/pair-builds").json()["items"]) or (
        builds[0]["state"] != "ready"
    ):
        assert run_next(job, ("cpu",), handler)
    assert client.delete(f"/api/v1/{owner}/pair-builds/{builds[0]['id']}").status_code == 204
    run_job(job, ("cpu",), {JobKind.select: handler})
    ended = client.get(f"/api/v1/jobs/{job}").json()
    assert (ended["state"], ended["error"]["code"]) == ("failed", "build_deleted")
    subset = client.get(f"/api/v1/subsets/{began['subset']['id']}").json()
    assert (subset["state"], items(client, subset, None)) == ("failed", [])
