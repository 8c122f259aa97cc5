"""Near-duplicates of a dataset: groups with their members, and judgments made more than once."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from service.computed import computed
from service.db import SessionDep
from service.duplicates.asked import Method, Unit, signal_of
from service.duplicates.stored import group, groups, repeated_judgments
from service.errors import NotFound
from service.paging import CursorQuery, LimitQuery, decode_cursor, page_of
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.routes.jobs import JobOut, job_out
from service.tables.jobs import Job

router = APIRouter(prefix="/api/v1", tags=["duplicates"], route_class=IdempotentRoute)

UnitQuery = Annotated[Unit, Query(description="what is repeated")]
MethodQuery = Annotated[Method, Query(description="how texts are compared")]
ThresholdQuery = Annotated[
    float | None, Query(ge=0.5, le=1, description="minhash: Jaccard index, else .9; cosine: .95")
]
WordsQuery = Annotated[int | None, Query(ge=1, le=20, description="of an n-gram; 2 if left out")]
ApartQuery = Annotated[
    list[str] | None, Query(description="ids of pairs or prompts that stay by themselves: an undo")
]


class MemberOut(BaseModel):
    """A pair of a group. `votes`, `agreement`, `soft_label`: of all members, as this one is
    labelled; null where the unit is no pair, or nobody voted."""

    model_config = ConfigDict(from_attributes=True)

    pair_id: uuid.UUID
    prompt_id: uuid.UUID
    first: bool = Field(description="it represents the group")
    turned: bool = Field(description="labelled the other way than members that are not turned")
    votes: float | None
    agreement: float | None
    soft_label: float | None
    prompt: str
    chosen: str
    rejected: str


class GroupOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    group: int = Field(examples=[17])
    size: int = Field(description="how many of the unit: distinct prompts, responses, pairs")
    pairs: int
    votes: float | None = Field(description="of all members together")
    agreement: float | None = Field(description="share of them that say what its first pair says")
    soft_label: float | None
    members: list[MemberOut] = Field(description="the first 20 by id")


class RepeatedOut(BaseModel):
    """One annotator's judgments of what is one pair."""

    model_config = ConfigDict(from_attributes=True)

    group: int
    annotator: str
    kind: str = Field(examples=["human"])
    aspect: str | None
    judgments: int
    surplus: int = Field(description="by how many the annotator counts more than once")
    consistent: bool
    says: list[str] = Field(examples=[["a"]], description="a and b mean the same in all of a group")
    places: list[dict[str, Any]] = Field(description="upload, line and what was said; at most 20")


class DuplicatesOut(BaseModel):
    """Either a page of what was found, or the job that finds it: ask again when it has ended."""

    signal: dict[str, Any] = Field(
        description="for a recipe's `signals`: its output `first` keeps one of each group"
    )
    job: JobOut | None = Field(default=None, description="where it is not computed yet")
    counts: dict[str, float] = Field(
        default_factory=dict,
        examples=[{"n": 2312, "groups": 2310, "repeated_pairs": 4, "not_first": 2}],
    )
    items: list[GroupOut] | list[RepeatedOut] = Field(default_factory=list[GroupOut])
    next_cursor: str | None = None


@router.get(
    "/datasets/{dataset_id}/duplicates",
    response_model=DuplicatesOut,
    responses={202: {"model": DuplicatesOut, "description": "a job computes it"}},
)
def list_duplicates(
    dataset: DatasetDep,
    session: SessionDep,
    response: Response,
    unit: UnitQuery = Unit.pair,
    method: MethodQuery = Method.minhash,
    threshold: ThresholdQuery = None,
    words: WordsQuery = None,
    apart: ApartQuery = None,
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> dict[str, Any]:
    """Groups of two and more, the largest first; of unit `judgment`, who judged one pair twice.

    Nothing is removed: a group is undone by naming its members in `apart`. Where the dataset has
    not been looked at like this, 202 and the job that does it.
    """
    signal = signal_of(unit, method, threshold, words, apart or ())
    told: dict[str, Any] = {"signal": signal.model_dump(mode="json")}
    found = computed(session, dataset, signal)
    if isinstance(found, Job):
        response.status_code = 202
        return {**told, "job": job_out(session, found)}
    scope = f"duplicates {found.row.id} {found.fit.id if found.fit else None} {unit}"
    after = decode_cursor(scope, cursor)
    listed = repeated_judgments if unit == Unit.judgment else groups
    rows = listed(session, dataset.id, found, limit + 1, after)
    counts = found.fit.metrics if found.fit else {}
    return {**told, "counts": counts, **page_of(rows, limit, scope, "page_key")}


@router.get("/datasets/{dataset_id}/duplicates/{group_number}", response_model=list[MemberOut])
def read_group(
    group_number: int,
    dataset: DatasetDep,
    session: SessionDep,
    unit: UnitQuery = Unit.pair,
    method: MethodQuery = Method.minhash,
    threshold: ThresholdQuery = None,
    words: WordsQuery = None,
    apart: ApartQuery = None,
) -> list[dict[str, Any]]:
    """All members of one group."""
    signal = signal_of(unit, method, threshold, words, apart or ())
    found = computed(session, dataset, signal)
    members = [] if isinstance(found, Job) else group(session, dataset.id, found, group_number)
    if not members:
        raise NotFound(f"no group {group_number} of near-duplicates was found like this")
    return members
