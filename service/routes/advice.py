"""Advice on a dataset: which recipe helps there, measured within a time, or that none does."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from curation.recipes import Recipe
from service.advice.asked import Asked, budget_of, recipes_named, start
from service.advice.deciding import LEAST_SPLITS, SPLITS
from service.advice.result import Advice
from service.advice.stored import advice
from service.auth import WorkspaceDep
from service.db import SessionDep
from service.errors import Invalid
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.routes.jobs import JobOut, job_out
from service.routes.owned import owned
from service.routes.subsets import refuse_incomparable
from service.tables.jobs import Job, JobKind

router = APIRouter(prefix="/api/v1", tags=["advice"], route_class=IdempotentRoute)

MINUTES = 10
MOST_SPLITS = 100  # of all seeds together: each is a shard a recipe
Seed = Annotated[int, Field(ge=0, lt=2**31)]


class AdviceIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"budget": "10%", "seconds": 600, "recipes": ["safe_default", "fifa"]}]
        },
    )

    budget: str = Field(default="10%", description='"10%" of all pairs, or "500" pairs')
    seconds: float = Field(
        default=60 * MINUTES, ge=5, le=86_400,
        description="from when a worker takes it up to the answer; pauses count",
    )  # fmt: skip
    recipes: list[str | Recipe] = Field(
        default=[], max_length=50, description="compare only these, by id or whole; else all"
    )
    against: list[uuid.UUID] = Field(
        default=[], max_length=8, description="also the recipes and budgets of these subsets"
    )
    seeds: list[Seed] = Field(
        default=[0], min_length=1, max_length=10, description="of the splits and draws; one after "
        "the other, and `by_seed` tells what each alone would have said",
    )  # fmt: skip
    splits: int = Field(
        default=SPLITS, ge=LEAST_SPLITS, le=50,
        description=f"a seed; of all seeds together at most {MOST_SPLITS}",
    )  # fmt: skip


DEFAULTS = AdviceIn()


class AdviceOut(BaseModel):
    """`advice` is of what has been measured so far: final where the job has ended."""

    id: uuid.UUID
    dataset_id: uuid.UUID
    job: JobOut
    advice: Advice | None = Field(description="null before anything can be compared")


@router.post("/datasets/{dataset_id}/advice", status_code=202, response_model=AdviceOut)
def ask_advice(
    dataset: DatasetDep, session: SessionDep, workspace: WorkspaceDep, body: AdviceIn = DEFAULTS
) -> dict[str, Any]:
    """Which recipe trains a better reward head than as many random pairs, or that none does.

    Recipes are compared split by split until the time is over; what was measured by then counts.
    """
    refuse_incomparable(session, workspace, dataset.id, body.against)
    seeds = [*dict.fromkeys(body.seeds)]
    if len(seeds) * body.splits > MOST_SPLITS:
        detail = f"{len(seeds)} seeds with {body.splits} splits are more than {MOST_SPLITS} splits"
        raise Invalid(detail, code="too_many_splits", field="splits")
    asked = Asked(
        budget=budget_of(body.budget),
        seconds=body.seconds,
        seeds=seeds,
        splits=body.splits,
        recipes=recipes_named(body.recipes),
        against=[*dict.fromkeys(body.against)],
    )
    return told(session, start(session, dataset, asked))


@router.get("/datasets/{dataset_id}/advice/{advice_id}", response_model=AdviceOut)
def read_advice(
    dataset: DatasetDep, session: SessionDep, workspace: WorkspaceDep, advice_id: uuid.UUID
) -> dict[str, Any]:
    """What it says; of a job that still runs or was stopped, what it says so far."""
    mine = (Job.kind == JobKind.advise, Job.dataset_id == dataset.id)
    return told(session, owned(session, workspace, Job, advice_id, *mine))


def told(session: Session, job: Job) -> dict[str, Any]:
    out = job_out(session, job)
    return {
        "id": job.id, "dataset_id": job.dataset_id, "job": out, "advice": advice(session, job),
    }  # fmt: skip
