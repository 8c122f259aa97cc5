"""Advice on a dataset from what its job's shards have found so far: also one that was stopped."""

import shlex
import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Float, cast, func, select
from sqlalchemy.orm import Session

from curation.recipes import RECIPES, Budget, Recipe, What
from service.advice.asked import COMPARE, PICK, SAMPLE, STAGES, Asked, asked_of
from service.advice.candidates import LeftOut
from service.advice.result import Advice, MakeOut, Run, advice_of
from service.labels.holdings import present
from service.tables.datasets import Dataset
from service.tables.jobs import Job, Shard, ShardState
from service.tables.subsets import Subset

SKIPPED = {"skipped": "the time was over"}


class Sampled(BaseModel):
    """What the first stage found: random pairs that may be measured on, of all that could be."""

    model_config = ConfigDict(frozen=True)

    pairs: list[str]
    of: int


class Picked(BaseModel):
    """What is compared on which pairs. `present`: how many there are of what recipes need."""

    model_config = ConfigDict(frozen=True)

    pairs: list[str]
    recipes: dict[str, Recipe]
    left_out: list[LeftOut]
    present: dict[What, int]


class Done(NamedTuple):
    payload: dict[str, Any]
    result: dict[str, Any]


def done(session: Session, job: Job, stage: str) -> list[Done]:
    """The shards of a stage that have ended and left a result, in their order."""
    rows = session.execute(
        select(Shard.payload, Shard.result)
        .where(Shard.job_id == job.id, Shard.stage == STAGES.index(stage))
        .where(Shard.state == ShardState.done, Shard.result.is_not(None))
        .order_by(Shard.ordinal)
    )
    return [Done(payload, result) for payload, result in rows if result is not None]


def sampled_by(session: Session, job: Job) -> Sampled | None:
    found = done(session, job, SAMPLE)
    return Sampled.model_validate(found[0].result) if found else None


def picked_by(session: Session, job: Job) -> Picked | None:
    found = done(session, job, PICK)
    return Picked.model_validate(found[0].result) if found else None


def used(session: Session, job: Job) -> float:
    """Seconds since a worker took the job up, or that it took; on the database's clock."""
    now = func.coalesce(Job.finished_at, func.clock_timestamp())
    passed = func.extract("epoch", now - Job.started_at)
    return session.scalar(select(cast(passed, Float)).where(Job.id == job.id)) or 0.0


def hands(session: Session, job: Job) -> int:
    """Workers that are at it."""
    leased = select(func.count()).where(Shard.job_id == job.id, Shard.state == ShardState.leased)
    return max(session.scalar(leased) or 1, 1)


def advice(session: Session, job: Job) -> Advice | None:
    """None before there is anything to compare; as the job ended, where it did well."""
    if job.result is not None:
        return Advice.model_validate(job.result)
    sampled, picked, asked = sampled_by(session, job), picked_by(session, job), asked_of(job)
    if sampled is None or picked is None:
        return None
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in done(session, job, COMPARE):
        if "skipped" not in each.result:
            found[each.payload["name"]].append(each.result)
    budget = Budget.parse(asked.budget)
    run = Run(
        contenders=picked.recipes, left_out=picked.left_out, present=picked.present, found=found,
        pairs=sampled.of, measured_on=len(picked.pairs), rejected=0, seeds=asked.seeds,
        budget=asked.budget, fraction=budget.fraction(sampled.of), seconds=asked.seconds,
        used=used(session, job), planned=len(asked.units),
    )  # fmt: skip
    return advice_of(run, lambda name: make(session, job, asked, name, picked.recipes[name]))


def make(session: Session, job: Job, asked: Asked, name: str, recipe: Recipe) -> MakeOut | None:
    """The request that selects as the contender did; None where it was a subset that is gone."""
    assert job.dataset_id is not None
    dataset = session.get_one(Dataset, job.dataset_id)
    budget, seed = asked.budget, asked.seeds[0]
    if name in {str(id) for id in asked.against}:
        other = session.get(Subset, uuid.UUID(name))
        if other is None:
            return None
        budget, seed = other.budget, other.seed
    sent = recipe_sent(recipe)
    shown = sent if isinstance(sent, str) else "FILE"
    words = ["prefsift", "select", dataset.name, "--recipe", shown, "--budget", budget]
    return MakeOut(
        command=shlex.join([*words, "--seed", str(seed)]),
        path=f"/api/v1/datasets/{job.dataset_id}/subsets",
        body={"recipe": sent, "budget": budget, "seed": seed},
    )


def recipe_sent(recipe: Recipe) -> str | dict[str, Any]:
    """A shipped one by its id."""
    shipped = RECIPES.get(recipe.id)
    same = shipped is not None and shipped.sha256() == recipe.sha256()
    return recipe.id if same else recipe.model_dump(mode="json")


def held(session: Session, dataset_id: uuid.UUID, recipes: Sequence[Recipe]) -> dict[What, int]:
    return present(session, dataset_id, [need for recipe in recipes for need in recipe.needs])
