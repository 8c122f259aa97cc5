"""What the prompts of a dataset are about, and how much of it a subset covers."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from curation.signals.topic import Topic
from service.auth import WorkspaceDep
from service.columns import MissingVectors
from service.computed import computed, recomputing
from service.db import SessionDep
from service.errors import Conflict, Invalid
from service.routes.datasets import DatasetDep
from service.routes.exports import SANDBOX
from service.routes.idempotent import IdempotentRoute
from service.routes.jobs import JobOut, job_out
from service.routes.owned import owned
from service.tables.datasets import Dataset
from service.tables.jobs import Job
from service.tables.subsets import Subset
from service.topics.page import render
from service.topics.stored import coverage, mapped, points, topics_told

router = APIRouter(prefix="/api/v1", tags=["topics"], route_class=IdempotentRoute)

SubsetQuery = Annotated[uuid.UUID | None, Query(description="id of a subset of the dataset")]
CountQuery = Annotated[
    int | None, Query(ge=1, le=1000, description="topics; by the number of prompts if left out")
]
SeedQuery = Annotated[int, Query(ge=0, lt=2**32, description="of the clusters")]


class TopicOut(BaseModel):
    """`kept`, `expected`, `kept_pairs` are null where no subset is asked about."""

    topic: int = Field(description="value of the signal's output `topic`; 0 is the largest")
    name: str = Field(examples=["garden, plants, soil"])
    terms: list[str] = Field(description="the most telling ones first (c-TF-IDF)")
    prompts: int
    pairs: int
    kept: int | None = Field(description="prompts of which the subset has a pair")
    expected: float | None = Field(description="the same of a random subset")
    kept_pairs: int | None


class CoverageOut(BaseModel):
    prompts: int
    prompts_kept: int
    topics: int
    topics_covered: int = Field(description="topics of which the subset has a prompt")
    topics_covered_by_random: int = Field(description="of as many prompts, drawn once")
    shift: float = Field(description="total variation distance of the topics from the pool's, 0..1")
    shift_of_random: float
    neighbourhoods_covered: float | None = Field(
        description="share of prompts that have a kept one within their 5th nearest other prompt"
    )
    neighbourhoods_covered_by_random: float | None
    neighbourhoods_of: int = Field(description="prompts that this was measured on")


class TopicsOut(BaseModel):
    """Either the topics, or the job that finds them: ask again when it has ended."""

    signal: dict[str, Any] = Field(
        description="for a recipe's `signals`; a term of its output `topic` can be a field"
    )
    job: JobOut | None = Field(default=None, description="where it is not computed yet")
    topics: list[TopicOut] = Field(default_factory=list[TopicOut])
    coverage: CoverageOut | None = Field(default=None, description="of the subset")


@router.get(
    "/datasets/{dataset_id}/topics",
    response_model=TopicsOut,
    responses={202: {"model": TopicsOut, "description": "a job computes it"}},
)
def list_topics(
    dataset: DatasetDep,
    session: SessionDep,
    workspace: WorkspaceDep,
    response: Response,
    subset: SubsetQuery = None,
    count: CountQuery = None,
    seed: SeedQuery = 0,
) -> dict[str, Any]:
    """Topics with their names and sizes, the largest first, and what a subset keeps of them."""
    signal = Topic(count=count, seed=seed)
    told: dict[str, Any] = {"signal": signal.model_dump(mode="json")}
    kept = subset_of(session, workspace, dataset, subset)
    found = computed(session, dataset, signal)
    if isinstance(found, Job):
        response.status_code = 202
        return {**told, "job": job_out(session, found)}
    there = mapped(session, dataset, found, kept)
    try:
        cover = coverage(session, dataset, signal, there) if kept else None
    except MissingVectors:  # an erasure elsewhere in the workspace took vectors that both had
        response.status_code = 202
        return {**told, "job": job_out(session, recomputing(session, dataset, signal))}
    return {**told, "topics": topics_told(there, kept), "coverage": cover}


@router.get("/datasets/{dataset_id}/topics.html", response_class=HTMLResponse)
def draw_topics(
    dataset: DatasetDep,
    session: SessionDep,
    workspace: WorkspaceDep,
    subset: SubsetQuery = None,
    count: CountQuery = None,
    seed: SeedQuery = 0,
) -> HTMLResponse:
    """The map as a page with an inline picture. 409 until `topics` has been computed."""
    signal = Topic(count=count, seed=seed)
    kept = subset_of(session, workspace, dataset, subset)
    found = computed(session, dataset, signal)
    if isinstance(found, Job):
        raise not_ready(dataset)
    there = mapped(session, dataset, found, kept)
    try:
        cover = coverage(session, dataset, signal, there) if kept else None
    except MissingVectors:
        raise not_ready(dataset) from None
    page = render(
        dataset.name, len(there.ids), topics_told(there, kept), cover,
        points(session, dataset, there),
    )  # fmt: skip
    return HTMLResponse(page, headers=SANDBOX)


def not_ready(dataset: Dataset) -> Conflict:
    """Whoever gets it asks for JSON first: a request that fails leaves no job behind."""
    detail = f"GET /api/v1/datasets/{dataset.id}/topics of the same begins to compute the topics"
    return Conflict(detail, code="topics_not_ready")


def subset_of(
    session: SessionDep, workspace: WorkspaceDep, dataset: Dataset, id: uuid.UUID | None
) -> Subset | None:
    if id is None:
        return None
    found = owned(session, workspace, Subset, id)
    if found.dataset_id != dataset.id:
        raise Invalid("the subset is of another dataset", code="wrong_dataset", field="subset")
    if found.state != "ready":
        raise Conflict(f"subset {id} is {found.state}, not ready", code="subset_not_ready")
    return found
