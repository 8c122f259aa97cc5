"""Near-duplicates of a dataset: groups with their members, and judgments made more than once."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from curation.signals import Signal, parse_signal
from service.computed import Computed, computed
from service.db import SessionDep
from service.duplicates.asked import Method, Unit, signal_of
from service.duplicates.stored import Member, described, groups, members, repeated_judgments
from service.duplicates.undoing import hold_undoing, redo, undo
from service.errors import Conflict, NotFound
from service.paging import CursorQuery, LimitQuery, Page, decode_cursor, page_of
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.routes.jobs import JobOut, job_out
from service.tables.datasets import Dataset
from service.tables.duplicates import UndoneGroup
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


class AuthorIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    author: str | None = Field(default=None, min_length=1, max_length=200, examples=["ada"])


class UndoneOut(BaseModel):
    """A group that somebody said is none."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    unit: str = Field(examples=["pair"])
    number: int = Field(description="its number when it was a group of the grouping `signal`")
    signal: dict[str, Any]
    size: int = Field(description="how many members")
    members: list[uuid.UUID] = Field(
        validation_alias="first_members",
        description="the first 20 by id: of prompts where they are the unit, else of pairs",
    )
    undone_by: str | None
    undone_at: datetime
    redone_by: str | None
    redone_at: datetime | None = Field(description="null: it is undone")


class Regrouped(BaseModel):
    undone: UndoneOut
    job: JobOut | None = Field(description="groups anew: pages of the grouping are 202 until then")


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


def grouped(
    unit: UnitQuery = Unit.pair,
    method: MethodQuery = Method.minhash,
    threshold: ThresholdQuery = None,
    words: WordsQuery = None,
    apart: ApartQuery = None,
) -> Signal:
    """The grouping that a group is of."""
    return signal_of(unit, method, threshold, words, apart or ())


SignalDep = Annotated[Signal, Depends(grouped)]


@router.get(
    "/datasets/{dataset_id}/duplicates",
    response_model=DuplicatesOut,
    responses={202: {"model": DuplicatesOut, "description": "a job computes it"}},
)
def list_duplicates(
    dataset: DatasetDep,
    session: SessionDep,
    response: Response,
    signal: SignalDep,
    unit: UnitQuery = Unit.pair,
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> dict[str, Any]:
    """Groups of two and more, the largest first; of unit `judgment`, who judged one pair twice.

    Nothing is removed: `POST …/{group}/undo` takes a group apart, `apart` keeps members by
    themselves for this answer. Where the dataset has not been looked at like this, 202 and the job
    that does it.
    """
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


@router.get("/datasets/{dataset_id}/duplicates/undone", response_model=Page[UndoneOut])
def list_undone(
    dataset: DatasetDep, session: SessionDep, limit: LimitQuery = 100, cursor: CursorQuery = None
) -> dict[str, Any]:
    """Groups that were taken apart, and whether they were put together again, in their order."""
    scope = f"undone {dataset.id}"
    query = select(UndoneGroup).where(UndoneGroup.dataset_id == dataset.id)
    if (after := decode_cursor(scope, cursor)) is not None:
        place = (datetime.fromisoformat(after[0]), uuid.UUID(after[1]))
        query = query.where(tuple_(UndoneGroup.undone_at, UndoneGroup.id) > place)
    ordered = query.order_by(UndoneGroup.undone_at, UndoneGroup.id)
    return page_of(session.scalars(ordered.limit(limit + 1)).all(), limit, scope, "page_key")


@router.get("/datasets/{dataset_id}/duplicates/{group_number}", response_model=Page[MemberOut])
def read_group(
    group_number: int,
    dataset: DatasetDep,
    session: SessionDep,
    signal: SignalDep,
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> dict[str, Any]:
    """All members of one group, by id."""
    found = known(session, dataset, signal)
    assert found.fit is not None
    scope = f"duplicates {found.row.id} {found.fit.id} {group_number}"
    after = decode_cursor(scope, cursor)
    rows = some_members(session, dataset, found, group_number, limit + 1, after)
    page = page_of(rows, limit, scope, "pair_id")
    return {**page, "items": described(session, dataset.id, found, page["items"])}


@router.post(
    "/datasets/{dataset_id}/duplicates/{group_number}/undo", status_code=201,
    response_model=Regrouped,
)  # fmt: skip
def undo_group(
    group_number: int,
    body: AuthorIn,
    dataset: DatasetDep,
    session: SessionDep,
    signal: SignalDep,
) -> dict[str, Any]:
    """Take a group apart: its members, and their votes, stand alone in every grouping of its unit,
    until it is redone. What is selected from now on follows; subsets stay as they are."""
    hold_undoing(session, dataset.id)
    found = known(session, dataset, signal)
    own = some_members(session, dataset, found, group_number)
    if len(own) < 2:
        raise Conflict(f"group {group_number} has one member", code="nothing_to_undo")
    spec = signal.model_dump(mode="json")
    undone = undo(session, dataset.id, spec, group_number, own, body.author)
    return {"undone": undone, "job": job_of(session, dataset, signal)}


@router.post(
    "/datasets/{dataset_id}/duplicates/undone/{undone_id}/redo", response_model=Regrouped
)  # fmt: skip
def redo_group(
    undone_id: uuid.UUID, body: AuthorIn, dataset: DatasetDep, session: SessionDep
) -> dict[str, Any]:
    """Put a group together again; 409 `already_redone` where that was done."""
    undone = redo(session, dataset.id, undone_id, body.author)
    return {"undone": undone, "job": job_of(session, dataset, parse_signal(undone.signal))}


def known(session: Session, dataset: Dataset, signal: Signal) -> Computed:
    """Raises Conflict where the grouping is not there, or the dataset has changed since."""
    found = computed(session, dataset, signal)
    if isinstance(found, Job) or found.fit is None:
        detail = f"GET /api/v1/datasets/{dataset.id}/duplicates of the same begins to find groups"
        raise Conflict(detail, code="duplicates_not_ready")
    return found


def some_members(
    session: Session,
    dataset: Dataset,
    found: Computed,
    number: int,
    limit: int | None = None,
    after: str | None = None,
) -> list[Member]:
    own = members(session, dataset.id, found, number, limit, after)
    if not own and after is None:
        raise NotFound(f"no group {number} of near-duplicates was found like this")
    return own


def job_of(session: Session, dataset: Dataset, signal: Signal) -> JobOut | None:
    """The job that groups anew; None where nothing has changed for this grouping."""
    found = computed(session, dataset, signal)
    return job_out(session, found) if isinstance(found, Job) else None
