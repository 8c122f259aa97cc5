"""Evaluate jobs in process: the real splits, heads and embedder."""

import uuid
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from curation.recipes import RECIPES, Recipe
from service.queue import enqueue
from service.report import words
from service.tables.access import Workspace
from service.tables.jobs import Job, JobKind, JobState, Shard
from service.tables.subsets import Subset
from tests.workers import test_selecting as selecting_jobs
from tests.workers.dataset import add_dataset
from workers import evaluating
from workers.protocol import run_job

HANDLERS = {JobKind.evaluate: evaluating.Evaluating()}


def evaluate(session: Session, workspace: Workspace, subset: Subset, **spec: Any) -> Job:
    job = Job(
        workspace_id=workspace.id, dataset_id=subset.dataset_id, kind=JobKind.evaluate,
        spec={"subset_id": str(subset.id), **spec}, stages=evaluating.STAGES,
    )  # fmt: skip
    enqueue(session, job)
    session.commit()
    run_job(job.id, ("cpu", "gpu"), HANDLERS)
    session.refresh(job)
    session.refresh(subset)
    assert job.state == JobState.succeeded, job.error
    return job


@pytest.mark.parametrize("recipe", [RECIPES["random"], Recipe.model_validate(selecting_jobs.SMALL)])
def test_both_heads_judge_the_recipe_over_the_splits(
    session: Session, workspace: Workspace, rung: object, recipe: Recipe
) -> None:
    dataset = add_dataset(session, workspace, 60)
    subset = selecting_jobs.run(session, dataset, recipe, "20%")
    job = evaluate(session, workspace, subset, splits=2, draws=5)
    shards = session.scalars(select(Shard.result).where(Shard.job_id == job.id)).all()
    assert sum(found is not None and "heads" in found for found in shards) == 2
    found = subset.evaluation
    assert found is not None
    assert set(found["heads"]) == {"selecting", "independent"}
    assert found["better_than_random"] is None
    assert "60 pairs" in found["warning"]
    assert len(words.heads(found)) == 2
    assert subset.size == 12


def test_other_subsets_slices_and_a_curve_come_with_it_where_asked_for(
    session: Session, workspace: Workspace, rung: object
) -> None:
    dataset = add_dataset(session, workspace, 60)
    subset = selecting_jobs.run(session, dataset, RECIPES["safe_default"], "20%")
    other = selecting_jobs.run(session, dataset, RECIPES["random"], "20%")
    evaluate(
        session, workspace, subset, splits=2, against=[str(other.id)], by=["length", "source"],
        curve=True,
    )  # fmt: skip
    found = subset.evaluation
    assert found is not None
    assert set(found["against"]) == {str(other.id)}
    assert sum(each["test"] for each in found["slices"]["length"].values()) == 24
    assert found["curve"]["independent"]["sizes"][-1] == 48
    manifest = subset.manifest
    assert manifest is not None
    assert manifest["signals"][0]["kind"] == "label_trust"


def test_the_api_takes_what_is_wanted_besides_and_refuses_what_cannot_be_compared(
    session: Session, workspace: Workspace, rung: object, client: TestClient
) -> None:
    dataset, elsewhere = (add_dataset(session, workspace, 6) for _ in range(2))
    subset = selecting_jobs.run(session, dataset, RECIPES["random"], "50%")
    other = selecting_jobs.run(session, dataset, RECIPES["random"], "20%")
    foreign = selecting_jobs.run(session, elsewhere, RECIPES["random"], "20%")
    where = f"/api/v1/subsets/{subset.id}/evaluate"
    wanted = {"against": [str(other.id)], "by": ["length"], "curve": True}
    answer = client.post(where, json=wanted)
    assert answer.status_code == 202, answer.text
    job = session.get_one(Job, uuid.UUID(answer.json()["id"]))
    assert {name: job.spec[name] for name in wanted} == wanted
    refused = client.post(where, json={"against": [str(foreign.id)]})
    assert refused.json()["code"] == "not_comparable"
    assert client.post(where, json={"by": ["colour"]}).status_code == 422


def test_what_cannot_be_measured_has_a_reason_and_no_figures(
    session: Session, workspace: Workspace, rung: object
) -> None:
    subset = selecting_jobs.run(session, add_dataset(session, workspace, 2), RECIPES["random"], "1")
    evaluate(session, workspace, subset, splits=2)
    assert set(subset.evaluation or {}) == {"reason"}
    assert words.verdict(subset.evaluation).startswith("Can't tell: ")
