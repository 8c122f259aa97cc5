"""Select jobs in process: real signals, the real small embedder, a real database."""

import uuid
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from curation.recipes import RECIPES, Recipe
from curation.selectors.gradient_matching import TOO_FEW
from service.queue import enqueue
from service.selection import SubsetManifest
from service.tables.access import Workspace
from service.tables.datasets import Dataset
from service.tables.jobs import Job, JobKind, JobState
from service.tables.pairs import Pair
from service.tables.subsets import Subset, SubsetItem
from tests.workers.dataset import add_dataset
from workers import selecting
from workers.protocol import run_job

HANDLERS = {JobKind.select: selecting.Selecting()}
SMALL: dict[str, Any] = {
    "id": "small",
    "title": "Few bootstraps",
    "signals": {
        "margin": {"kind": "reward_margin", "bootstraps": 2, "heads": ["style", "response"]},
        "novelty": {"kind": "knn_novelty", "k": 2},
        "form": {"kind": "style"},
    },
    "terms": {"margin": "margin.margin_mean", "novelty": "novelty.log_distance"},
    "selector": {"kind": "fifa", "alpha": 0.0, "max_per_prompt": 1},
    "expects": [{"check": "size"}, {"check": "mean_above_pool", "term": "margin"}],
}


def run(session: Session, dataset: Dataset, recipe: Recipe, budget: str, seed: int = 0) -> Subset:
    subset = Subset(
        id=uuid.uuid4(), dataset_id=dataset.id, recipe=recipe.model_dump(mode="json"),
        recipe_sha256=recipe.sha256(), budget=budget, seed=seed,
    )  # fmt: skip
    session.add(subset)
    job = Job(
        workspace_id=dataset.workspace_id, dataset_id=dataset.id, kind=JobKind.select,
        spec={"subset_id": str(subset.id)}, stages=selecting.STAGES,
    )  # fmt: skip
    enqueue(session, job)
    session.commit()
    run_job(job.id, ("cpu", "gpu"), HANDLERS)
    session.refresh(job)
    session.refresh(subset)
    assert job.state == JobState.succeeded, job.error
    return subset


def items(session: Session, subset: Subset) -> list[SubsetItem]:
    query = select(SubsetItem).where(SubsetItem.subset_id == subset.id)
    return list(session.scalars(query.order_by(SubsetItem.position)))


def test_a_recipe_with_scores_keeps_its_budget_and_explains_every_pair(
    session: Session, workspace: Workspace, rung: object
) -> None:
    dataset = add_dataset(session, workspace, 60)
    subset = run(session, dataset, Recipe.model_validate(SMALL), "20%")
    found = items(session, subset)
    pairs = session.scalars(select(Pair.id).where(Pair.dataset_id == dataset.id)).all()
    assert {item.pair_id for item in found} == set(pairs)
    assert (subset.state, subset.size, subset.pool) == ("ready", 12, 60)
    assert sorted(item.rank for item in found if item.rank) == list(range(1, 13))
    manifest = SubsetManifest.model_validate(subset.manifest)
    assert manifest.reasons == Counter(item.reason for item in found)
    signals = {use.name: use for use in manifest.signals}
    margin, novelty, form = signals["margin"], signals["novelty"], signals["form"]
    assert margin.fit is not None
    assert margin.fit.items == 60
    assert "oof_accuracy" in margin.fit.metrics
    assert novelty.columns == {"log_distance": "log_distance"}
    assert form.fit is None
    assert [expected["held"] for expected in manifest.expects] == [True, True]


def test_the_same_recipe_and_seed_keep_the_same_pairs_in_two_datasets(
    session: Session, workspace: Workspace, rung: object
) -> None:
    first, second = (
        run(session, add_dataset(session, workspace, 40), RECIPES["random"], "25%", seed=7)
        for _ in range(2)
    )
    ranks = [
        [(item.pair_id, item.rank) for item in items(session, subset)] for subset in (first, second)
    ]
    assert ranks[0] == ranks[1]


@pytest.mark.parametrize(("pairs", "kept"), [(0, 0), (1, 1), (4, 1)])
def test_tiny_datasets_are_selected_from_too(
    session: Session, workspace: Workspace, rung: object, pairs: int, kept: int
) -> None:
    dataset = add_dataset(session, workspace, pairs)
    subset = run(session, dataset, RECIPES["random"], "10%")
    assert (subset.state, subset.size, subset.pool) == ("ready", kept, pairs)


def test_outputs_of_equal_names_get_the_name_of_their_signal(session: Session) -> None:
    twice = {**SMALL["signals"], "again": {"kind": "knn_novelty", "k": 3}}
    columns = selecting.export_columns(Recipe.model_validate({**SMALL, "signals": twice}))
    assert columns["novelty"] == {"log_distance": "novelty_log_distance"}
    assert columns["again"] == {"log_distance": "again_log_distance"}
    assert columns["margin"]["p_correct"] == "p_correct"


def test_a_greedy_selector_sees_the_vectors_of_the_prompts(
    session: Session, workspace: Workspace, rung: object
) -> None:
    selector = {"kind": "fifa", "mode": "greedy", "alpha": 0.0}
    recipe = Recipe.model_validate({**SMALL, "selector": selector})
    subset = run(session, add_dataset(session, workspace, 30), recipe, "5")
    assert subset.size == 5
    assert SubsetManifest.model_validate(subset.manifest).degraded == ()


def test_what_a_selector_says_of_a_small_pool_is_in_the_manifest_as_it_is(
    session: Session, workspace: Workspace, rung: object
) -> None:
    terms = {"margin": "margin.margin_mean", "p": "margin.p_correct"}
    selector = {"kind": "gradient_matching", "term": "p"}
    recipe = Recipe.model_validate({**SMALL, "terms": terms, "selector": selector, "expects": []})
    subset = run(session, add_dataset(session, workspace, 40), recipe, "5")
    assert SubsetManifest.model_validate(subset.manifest).degraded == (TOO_FEW,)


INFORMATION = {
    "id": "information",
    "title": "Information",
    "signals": {"vectors": {"kind": "embedding"}, "style": {"kind": "style"}},
    "terms": {"length": "style.length_log_ratio"},
    "selector": {
        "kind": "gates",
        "all": [{"term": "length", "at_most": 9}, {"field": "longer", "none_of": ["rejected"]}],
        "then": {"kind": "information_gain", "view": "prompt+chosen"},
    },
}


@pytest.mark.parametrize("recipe", ["facility_location", "k_center", "information"])
def test_selectors_over_vectors_find_those_of_their_view(
    session: Session, workspace: Workspace, rung: object, recipe: str
) -> None:
    chosen = RECIPES.get(recipe) or Recipe.model_validate(INFORMATION)
    subset = run(session, add_dataset(session, workspace, 20), chosen, "5")
    manifest = SubsetManifest.model_validate(subset.manifest)
    assert manifest.degraded == ()
    assert subset.size in (1, 2, 3, 4, 5)
    assert sum(manifest.reasons.values()) == 20
