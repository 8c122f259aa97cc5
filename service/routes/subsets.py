"""Subsets of a dataset: read what was kept and why, evaluate. `compositions` makes them."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.auth import WorkspaceDep
from service.composing.asked import is_combined
from service.db import SessionDep
from service.errors import Conflict, Invalid
from service.paging import CursorQuery, LimitQuery, Page, decode_cursor, page_of
from service.queue import enqueue
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.routes.jobs import JobOut
from service.routes.owned import owned
from service.tables.access import Workspace
from service.tables.jobs import Job, JobKind
from service.tables.subsets import Subset, SubsetItem

router = APIRouter(prefix="/api/v1", tags=["subsets"], route_class=IdempotentRoute)

EVALUATE_STAGES = ["embed", "split"]


Slice: TypeAlias = Literal[
    "length", "source", "topic", "annotator", "annotator_group", "language", "model_pair", "aspect"
]


class EvaluateIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"splits": 5, "draws": 5}]}
    )

    splits: int | None = Field(default=None, ge=2, le=50, description="training/test splits")
    draws: int | None = Field(
        default=None, ge=5, le=50, description="random subsets of the training pairs a split"
    )
    against: list[uuid.UUID] = Field(
        default=[], max_length=8, description="other subsets of the dataset, on the same splits"
    )
    by: list[Slice] = Field(
        default=[],
        max_length=8,
        description="accuracies by these classes of the test pairs, and gains with intervals",
    )
    curve: bool = Field(
        default=False, description="also a learning curve, and how many pairs are enough"
    )


DEFAULTS = EvaluateIn()


class SubsetOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    dataset_id: uuid.UUID
    job_id: uuid.UUID | None
    recipe: dict[str, Any]
    recipe_sha256: str
    asked: dict[str, Any] = Field(
        description="what it was made of besides the recipe: where, policy, seeds, tokenizer, "
        "parents; only what was given"
    )
    tags: list[str]
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
    share: float | None = Field(
        description="of the seeds that keep the pair; null where one seed was asked for"
    )


def owned_subset(subset_id: uuid.UUID, session: SessionDep, workspace: WorkspaceDep) -> Subset:
    return owned(session, workspace, Subset, subset_id)


SubsetDep = Annotated[Subset, Depends(owned_subset, scope="function")]


@router.get("/datasets/{dataset_id}/subsets", response_model=Page[SubsetOut])
def list_subsets(
    dataset: DatasetDep,
    session: SessionDep,
    tag: Annotated[str | None, Query(description="only those that have it")] = None,
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> dict[str, Any]:
    """By id."""
    scope = f"subsets:{dataset.id}" if tag is None else f"subsets:{dataset.id}:{tag}"
    after = decode_cursor(scope, cursor)
    query = select(Subset).where(Subset.dataset_id == dataset.id).order_by(Subset.id)
    if tag is not None:
        query = query.where(Subset.tags.contains([tag]))
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
    if is_combined(subset):
        detail = "other subsets were put together here: evaluate one of them, against the others"
        raise Invalid(detail, code="no_recipe")
    refuse_incomparable(session, workspace, subset.dataset_id, body.against)
    asked = body.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    job = Job(
        workspace_id=workspace.id,
        dataset_id=subset.dataset_id,
        kind=JobKind.evaluate,
        spec={"subset_id": str(subset.id), **asked},
        stages=EVALUATE_STAGES,
    )
    enqueue(session, job)
    return job


def refuse_incomparable(
    session: Session, workspace: Workspace, dataset_id: uuid.UUID, ids: Sequence[uuid.UUID]
) -> None:
    """Raises NotFound, Invalid `not_comparable`: of another dataset, unfinished, or combined."""
    for id in ids:
        other = owned(session, workspace, Subset, id)
        if other.dataset_id != dataset_id or other.state != "ready" or is_combined(other):
            detail = f"subset {id} is not a ready subset by a recipe of the same dataset"
            raise Invalid(detail, code="not_comparable")
