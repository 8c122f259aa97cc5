"""Subsets of a dataset: select by a recipe, read what was kept and why, evaluate."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import select

from curation.recipes import RECIPES, Budget, Recipe
from service.auth import WorkspaceDep
from service.db import SessionDep
from service.errors import Conflict, Invalid
from service.paging import CursorQuery, LimitQuery, Page, decode_cursor, page_of
from service.queue import enqueue
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.routes.jobs import JobOut
from service.routes.owned import owned
from service.tables.jobs import Job, JobKind
from service.tables.subsets import Subset, SubsetItem

router = APIRouter(prefix="/api/v1", tags=["subsets"], route_class=IdempotentRoute)

SELECT_STAGES = ["embed", "score", "fit", "select"]
EVALUATE_STAGES = ["embed", "split"]
MAX_SEED = 2**31 - 1


class SubsetIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"recipe": "fifa", "budget": "10%", "seed": 0}]},
    )

    recipe: str | Recipe = Field(description="the id of a known recipe, or a whole recipe")
    budget: str | None = Field(
        default=None, description="`10%` of all pairs, or `500` pairs; the recipe's own if left out"
    )
    seed: int = Field(default=0, ge=0, le=MAX_SEED)

    @field_validator("budget")
    @classmethod
    def readable(cls, budget: str | None) -> str | None:
        return None if budget is None else str(Budget.parse(budget))


class EvaluateIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"splits": 5, "draws": 5}]}
    )

    splits: int | None = Field(default=None, ge=2, le=50, description="training/test splits")
    draws: int | None = Field(
        default=None, ge=5, le=50, description="random subsets a split, to average over"
    )


DEFAULTS = EvaluateIn()


class SubsetOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    dataset_id: uuid.UUID
    job_id: uuid.UUID | None
    recipe: dict[str, Any]
    recipe_sha256: str
    budget: str
    seed: int
    state: str = Field(description="pending, ready or failed", examples=["ready"])
    size: int | None = Field(description="pairs kept")
    pool: int | None = Field(description="pairs that could have been kept")
    manifest: dict[str, Any] | None
    evaluation: dict[str, Any] | None
    created_at: datetime


class SubsetCreated(BaseModel):
    subset: SubsetOut
    job: JobOut


class SubsetItemOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    pair_id: uuid.UUID
    rank: int | None = Field(description="from 1, best first; null where dropped", examples=[1])
    importance: float | None
    reason: str = Field(examples=["selected"])


def owned_subset(subset_id: uuid.UUID, session: SessionDep, workspace: WorkspaceDep) -> Subset:
    return owned(session, workspace, Subset, subset_id)


SubsetDep = Annotated[Subset, Depends(owned_subset, scope="function")]


def recipe_named(given: str | Recipe) -> Recipe:
    """Never a file of the server: a request can't name a path."""
    if isinstance(given, Recipe):
        return given
    if given not in RECIPES:
        known = sorted(RECIPES)
        detail = f"there is no recipe {given!r}; known: {', '.join(known)}"
        raise Invalid(detail, code="unknown_recipe", known=known)
    return RECIPES[given]


@router.post("/datasets/{dataset_id}/subsets", status_code=202, response_model=SubsetCreated)
def create_subset(body: SubsetIn, dataset: DatasetDep, session: SessionDep) -> dict[str, Any]:
    """Compute the scores that the recipe needs and are missing, then select."""
    recipe = recipe_named(body.recipe)
    subset = Subset(
        id=uuid.uuid4(),
        dataset_id=dataset.id,
        recipe=recipe.model_dump(mode="json"),
        recipe_sha256=recipe.sha256(),
        budget=body.budget or recipe.budget,
        seed=body.seed,
    )
    job = Job(
        workspace_id=dataset.workspace_id,
        dataset_id=dataset.id,
        kind=JobKind.select,
        spec={"subset_id": str(subset.id), "recipe": recipe.id, "budget": subset.budget},
        stages=SELECT_STAGES,
    )
    enqueue(session, job)
    subset.job_id = job.id
    session.add(subset)
    session.flush()
    return {"subset": subset, "job": job}


@router.get("/datasets/{dataset_id}/subsets", response_model=Page[SubsetOut])
def list_subsets(
    dataset: DatasetDep, session: SessionDep, limit: LimitQuery = 100, cursor: CursorQuery = None
) -> dict[str, Any]:
    """By id."""
    scope = f"subsets:{dataset.id}"
    after = decode_cursor(scope, cursor)
    query = select(Subset).where(Subset.dataset_id == dataset.id).order_by(Subset.id)
    if after is not None:
        query = query.where(Subset.id > after)
    return page_of(session.scalars(query.limit(limit + 1)).all(), limit, scope, "id")


@router.get("/subsets/{subset_id}", response_model=SubsetOut)
def read_subset(subset: SubsetDep) -> Subset:
    return subset


@router.get("/subsets/{subset_id}/items", response_model=Page[SubsetItemOut])
def read_items(
    subset: SubsetDep,
    session: SessionDep,
    kept: bool | None = None,
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> dict[str, Any]:
    """Every pair of the pool with its rank or why it was dropped.

    In the order of the dataset; with `kept=true` in the order of selection.
    """
    key = "rank" if kept else "position"
    place = SubsetItem.rank if kept else SubsetItem.position
    scope = f"items:{subset.id}:{kept}"
    after = decode_cursor(scope, cursor)
    query = select(SubsetItem).where(SubsetItem.subset_id == subset.id).order_by(place)
    if kept is not None:
        query = query.where(SubsetItem.rank.is_not(None) if kept else SubsetItem.rank.is_(None))
    if after is not None:
        query = query.where(place > after)
    return page_of(session.scalars(query.limit(limit + 1)).all(), limit, scope, key)


@router.post("/subsets/{subset_id}/evaluate", status_code=202, response_model=JobOut)
def evaluate_subset(
    subset: SubsetDep,
    session: SessionDep,
    workspace: WorkspaceDep,
    body: EvaluateIn = DEFAULTS,
) -> Job:
    """Does the recipe beat a random subset of the same size on prompts it has not seen?"""
    if subset.state != "ready":
        raise Conflict(f"subset {subset.id} is {subset.state}, not ready", code="subset_not_ready")
    job = Job(
        workspace_id=workspace.id,
        dataset_id=subset.dataset_id,
        kind=JobKind.evaluate,
        spec={"subset_id": str(subset.id), **body.model_dump(exclude_none=True)},
        stages=EVALUATE_STAGES,
    )
    enqueue(session, job)
    return job
