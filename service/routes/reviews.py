"""The review loop: pairs that a human should look at, verdicts on them, and their undoing."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from curation.review.update import changed
from service.db import SessionDep
from service.errors import NotFound
from service.paging import CursorQuery, LimitQuery, Page, decode_cursor, encode_cursor, page_of
from service.review.current import review_of
from service.review.items import items, row_of
from service.review.strategies import Strategy, queue_of
from service.review.verdicts import append, hold_verdicts, undo
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.routes.pairs import ResponseOut, SourceOut
from service.routes.review_orders import ErrorsOut, ResemblesOut, RouteOut, RoutingOut, WantedDep
from service.tables.reviews import Verdict

router = APIRouter(
    prefix="/api/v1/datasets/{dataset_id}", tags=["review"], route_class=IdempotentRoute
)
AuditQuery = Annotated[uuid.UUID | None, Query(description="id of an audit; the latest without")]


class GivenOut(BaseModel):
    """A label of the dataset, about a and b."""

    annotator: str
    kind: str = Field(examples=["human"])
    says: Literal["a", "b", "tie", "both_bad"]


class SpokenOut(BaseModel):
    """A verdict in force."""

    version: int
    verdict: Literal["a", "b", "tie", "both_bad"]
    author: str | None
    reason: str | None
    created_at: datetime


class ItemOut(BaseModel):
    id: uuid.UUID = Field(description="of this pair in reviews, whichever audit they read")
    pair_id: uuid.UUID | None = Field(description="null where the labels decide no pair: a tie")
    source: SourceOut
    prompt: list[Any]
    a: ResponseOut
    b: ResponseOut
    label: str = Field(examples=["a"], description="of the dataset: a, b, tie, both_bad")
    labels: list[GivenOut]
    p_a_better: float = Field(description="P(a better than b), given all labels and verdicts")
    p_correct: float | None = Field(description="P(the label is right); null for ties")
    action: str = Field(description="of the audit: keep, soften, flip, drop, review")
    witnesses: list[str] = Field(description="who speaks against the label")
    information: float | None = Field(description="0..1, higher = look here first")
    why: str
    verdicts: list[SpokenOut]
    resembles: ResemblesOut | None = None
    route: RouteOut | None = None


class ReviewPage(Page[ItemOut]):
    audit_id: uuid.UUID
    version: int = Field(description="of the verdicts that were counted in")
    open: int = Field(description="pairs in the queue")
    strategy: Strategy
    summary: RoutingOut | ErrorsOut | None = Field(description="null by information")


class VerdictIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"verdict": "b", "author": "ada", "reason": "a is made up"}]
        },
    )

    verdict: Literal["a", "b", "tie", "both_bad"] = Field(description="about the item's a and b")
    author: str = Field(min_length=1, max_length=200)
    reason: str | None = Field(default=None, max_length=10_000)
    audit: uuid.UUID | None = Field(default=None, description="that was read; the latest without")


class UndoIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    author: str = Field(min_length=1, max_length=200, examples=["ada"])
    reason: str | None = Field(default=None, max_length=10_000)


class VerdictOut(BaseModel):
    """An entry of the history: a verdict, or the undoing of one."""

    model_config = ConfigDict(from_attributes=True)

    version: int
    said: str | None = Field(description="about the responses a and b; null for an undoing")
    undoes: int | None = Field(description="the version that it takes back")
    a: uuid.UUID | None
    b: uuid.UUID | None
    author: str | None
    reason: str | None
    erased: bool = Field(description="what it was about left the dataset: nothing else is kept")
    created_at: datetime


class Counted(BaseModel):
    verdict: VerdictOut
    moved: int = Field(description="pairs whose posterior changed")


class Decided(Counted):
    item: ItemOut


@router.get("/review", response_model=ReviewPage)
def list_review(
    dataset: DatasetDep,
    session: SessionDep,
    wanted: WantedDep,
    audit: AuditQuery = None,
    limit: Annotated[int, Query(ge=1, le=100, description="items a page")] = 20,
    cursor: CursorQuery = None,
) -> dict[str, Any]:
    """Pairs in the order of a strategy, the first to be looked at first (docs/review.md). Pages
    that follow a cursor are of the version of verdicts that the first one was of."""
    scope = f"review {dataset.id} {audit} {wanted}"
    version, offset = decode_cursor(scope, cursor) or (None, 0)
    review = review_of(session, dataset.id, audit, version)
    queue = queue_of(session, review, wanted)
    page = queue.rows[offset : offset + limit].tolist()
    more = offset + limit < len(queue.rows)
    found = items(session, review, page)
    return {
        "items": [item | queue.about.get(row, {}) for row, item in zip(page, found, strict=True)],
        "next_cursor": encode_cursor(scope, [review.version, offset + limit]) if more else None,
        "audit_id": review.audit.id,
        "version": review.version,
        "open": len(queue.rows),
        "strategy": wanted.strategy,
        "summary": queue.summary,
    }


@router.get("/review/{item_id}", response_model=ItemOut)
def read_item(
    item_id: uuid.UUID, dataset: DatasetDep, session: SessionDep, audit: AuditQuery = None
) -> dict[str, Any]:
    """One pair, in the queue or not; by its id here, or by that of the dataset's pair."""
    review = review_of(session, dataset.id, audit)
    row = row_of(session, review, item_id)
    if row is None:
        raise NotFound(f"the audit has no pair {item_id}")
    return items(session, review, [row])[0]


@router.post("/review/{item_id}/verdicts", status_code=201, response_model=Decided)
def add_verdict(
    item_id: uuid.UUID, dataset: DatasetDep, session: SessionDep, body: VerdictIn
) -> dict[str, Any]:
    """Decide a pair. The dataset's labels stay as they are; posteriors of this pair, of the same
    question elsewhere, of its prompt and of its annotators are up to date in the next read."""
    hold_verdicts(session, dataset.id)  # before the audit is read: an erasure holds them, too
    before = review_of(session, dataset.id, body.audit)
    row = row_of(session, before, item_id)
    if row is None:
        raise NotFound(f"the audit has no pair {item_id}")
    state = before.state
    added = append(
        session, dataset.id, said=body.verdict, author=body.author, reason=body.reason,
        upload_id=uuid.UUID(bytes=state.uploads[row].tobytes()), line=int(state.lines[row]),
        prompt_id=uuid.UUID(bytes=state.prompts[row].tobytes()),
        a=uuid.UUID(bytes=state.a[row].tobytes()), b=uuid.UUID(bytes=state.b[row].tobytes()),
    )  # fmt: skip
    after = review_of(session, dataset.id, body.audit)
    return {
        "verdict": added,
        "moved": len(changed(before.now, after.now)),
        "item": items(session, after, [row])[0],
    }


@router.get("/verdicts", response_model=Page[VerdictOut])
def list_verdicts(
    dataset: DatasetDep, session: SessionDep, limit: LimitQuery = 100, cursor: CursorQuery = None
) -> dict[str, Any]:
    """The whole history, the first one first."""
    scope = f"verdicts {dataset.id}"
    query = select(Verdict).where(Verdict.dataset_id == dataset.id)
    if (after := decode_cursor(scope, cursor)) is not None:
        query = query.where(Verdict.version > int(after))
    found = session.scalars(query.order_by(Verdict.version).limit(limit + 1)).all()
    return page_of(found, limit, scope, "version")


@router.post("/verdicts/{version}/undo", status_code=201, response_model=Counted)
def undo_verdict(
    version: int, dataset: DatasetDep, session: SessionDep, body: UndoIn
) -> dict[str, Any]:
    """Take a verdict back, not necessarily the last; 409 `not_in_force` where there is none."""
    hold_verdicts(session, dataset.id)
    before = review_of(session, dataset.id)
    added = undo(session, dataset.id, version, body.author, body.reason)
    after = review_of(session, dataset.id)
    return {"verdict": added, "moved": len(changed(before.now, after.now))}
