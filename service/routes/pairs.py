"""Pairs: the first-class object, read in pages."""

import uuid
from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, aliased

from service.db import SessionDep
from service.errors import NotFound
from service.filters import query as filters
from service.filters import to_json, to_text
from service.paging import CursorQuery, LimitQuery, Page, decode_cursor, page_of
from service.review.labels import Labels, LabelsOf, PairLabel, labels_of, tally
from service.review.reads import labels_at, shown, with_columns
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.routes.overlays import LabelOut, LabelsDep
from service.tables.items import Prompt, Response
from service.tables.pairs import Pair
from service.viewer import blocks
from service.viewer.blocks import Source
from service.viewer.rows import selected, source_of

router = APIRouter(
    prefix="/api/v1/datasets/{dataset_id}/pairs", tags=["pairs"], route_class=IdempotentRoute
)


class ResponseOut(BaseModel):
    id: uuid.UUID
    text: str | None
    messages: list[Any] | None = Field(description="where the response has several turns")
    uri: str | None
    model: str | None


class SourceOut(BaseModel):
    upload_id: uuid.UUID
    line: int


class PairOut(BaseModel):
    id: uuid.UUID
    position: int = Field(description="the order of the pages")
    prompt_id: uuid.UUID
    prompt: list[Any] = Field(examples=[[{"role": "user", "content": "What is 2 + 2?"}]])
    chosen: ResponseOut
    rejected: ResponseOut
    votes: int
    agreement: float = Field(description="share of the votes that say what the pair says")
    margin: float | None = Field(description="how far apart they are, in the unit of the labels")
    soft_label: float | None = Field(description="P(chosen is better): ties count half")
    curriculum_stage: int | None = Field(description="from 1, the easiest first")
    build_id: uuid.UUID | None = Field(description="the pair build; null where the ingest decided")
    source: SourceOut
    evidence: dict[str, Any] | None = Field(
        default=None,
        description="of a pair that a user's own words decide: conversation, turns, spans",
        examples=[{"conversation_id": "c1", "feedback": {"turn": 2, "text": "That is wrong."}}],
    )
    label: LabelOut | None = Field(default=None, description="null where raw labels are read")


def pairs_of(dataset_id: uuid.UUID) -> Select[Pair, list[Any], Response, Response]:
    chosen, rejected = aliased(Response), aliased(Response)
    return (
        select(Pair, Prompt.messages, chosen, rejected)
        .join(Prompt, (Prompt.dataset_id == Pair.dataset_id) & (Prompt.id == Pair.prompt_id))
        .join(chosen, (chosen.dataset_id == Pair.dataset_id) & (chosen.id == Pair.chosen_id))
        .join(
            rejected, (rejected.dataset_id == Pair.dataset_id) & (rejected.id == Pair.rejected_id)
        )
        .where(Pair.dataset_id == dataset_id)
    )


def pair_out(
    pair: Pair,
    messages: list[Any],
    chosen: Response,
    rejected: Response,
    label: PairLabel | None = None,
) -> PairOut:
    """`label`: another than the pair's own; `votes` and `agreement` are of its own."""
    flipped = label is not None and label.flipped
    if flipped:
        chosen, rejected = rejected, chosen
    soft = None if label is None else label.p_chosen
    return PairOut(
        id=pair.id,
        position=pair.position,
        prompt_id=pair.prompt_id,
        prompt=messages,
        chosen=ResponseOut.model_validate(chosen, from_attributes=True),
        rejected=ResponseOut.model_validate(rejected, from_attributes=True),
        votes=pair.votes,
        agreement=pair.agreement,
        margin=None if flipped else pair.margin,
        soft_label=pair.soft_label if soft is None else soft,
        curriculum_stage=pair.curriculum_stage,
        build_id=pair.build_id,
        source=SourceOut(upload_id=pair.upload_id, line=pair.line),
        evidence=pair.evidence,
        label=None if label is None else LabelOut.of(label),
    )


WhereQuery = Annotated[
    str | None,
    Query(
        description="a filter, in the syntax of SQL's WHERE: see docs/filters.md",
        examples=["chosen.length - rejected.length < 200 AND votes >= 2"],
    ),
]
OrderQuery = Annotated[
    str | None,
    Query(
        description="fields, each with ASC or DESC; missing values last", examples=["margin DESC"]
    ),
]


FieldsQuery = Annotated[
    str | None,
    Query(
        description="only these columns, with commas between: of `/rows`, or what filters may name",
        examples=["pair_id,chosen.model,metadata.source"],
    ),
]


class PairQuery(BaseModel):
    """A filter as text or as a JSON tree, an order, which columns, and which page."""

    model_config = ConfigDict(extra="forbid")

    where: str | dict[str, Any] | None = Field(default=None, examples=["agreement < 1"])
    orderby: str | None = None
    fields: list[str] | None = Field(
        default=None, min_length=1, examples=[["pair_id", "chosen.model", "metadata.source"]]
    )
    limit: int = Field(default=100, ge=1, le=1000)
    cursor: str | None = None
    labels: LabelsOf = "raw"
    labels_version: int | None = Field(default=None, ge=0)
    labels_audit: uuid.UUID | None = None


class Explained(BaseModel):
    where: str | None = Field(description="the filter as it was understood")
    tree: dict[str, Any] | None = Field(description="the same as JSON")
    rows: int = Field(description="PostgreSQL's estimate of the pairs it keeps")
    plan: dict[str, Any] = Field(description="PostgreSQL's plan")


class FieldOut(BaseModel):
    name: str
    kind: str = Field(description="number, text or boolean")
    meaning: str


Selected: TypeAlias = dict[str, Any]  # the columns asked for, by the names they were asked by


class Pairs(Page[PairOut | Selected]):
    left_out: dict[str, int] | None = Field(
        default=None, description="pairs of the page that `labels` leaves out, by why"
    )


@router.get("", response_model=Pairs)
def list_pairs(
    dataset: DatasetDep,
    session: SessionDep,
    labels: LabelsDep,
    where: WhereQuery = None,
    orderby: OrderQuery = None,
    fields: FieldsQuery = None,
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> dict[str, Any]:
    """The dataset's pairs, in the order of their uploads and lines, or filtered and ordered.

    Filters and orders are about the raw labels, whatever `labels` are shown.
    """
    if where or orderby or fields is not None:
        named = None if fields is None else fields.split(",")
        return queried(session, dataset.id, PairQuery.model_construct(
            where=where, orderby=orderby, fields=named, limit=limit, cursor=cursor
        ), labels)  # fmt: skip
    scope = f"pairs {dataset.id}"
    rows = pairs_of(dataset.id).order_by(Pair.position).limit(limit + 1)
    if (after := decode_cursor(scope, cursor)) is not None:
        rows = rows.where(Pair.position > int(after))
    found = session.execute(rows).all()
    page = page_of([row[0] for row in found], limit, scope, "position")
    return page | labelled(found[:limit], labels)


def labelled(rows: Sequence[Any], labels: Labels | None) -> dict[str, Any]:
    """The pairs of a page; those that the labels leave out are counted."""
    if labels is None:
        return {"items": [pair_out(*row) for row in rows]}
    said = [(row, labels.of_pair(row[0])) for row in rows]
    return {
        "items": [pair_out(*row, label=label) for row, label in said if not label.left_out],
        "left_out": tally(label for _, label in said if label.left_out),
    }


def queried(
    session: Session, dataset_id: uuid.UUID, wanted: PairQuery, labels: Labels | None = None
) -> dict[str, Any]:
    """A page of the pairs that a filter keeps, in its order."""
    query = filters.Query(session, dataset_id, wanted.where, wanted.orderby)
    positions, following = query.page(wanted.limit, wanted.cursor)
    if wanted.fields is not None:
        source = source_of(session, query.snapshot, wanted.fields)
        found = rows_of(session, source, positions, labels)
        return {**found, "next_cursor": following}
    rows = session.execute(pairs_of(dataset_id).where(Pair.position.in_(positions)))
    by_position = {row[0].position: row for row in rows}
    kept = [by_position[position] for position in positions if position in by_position]
    return {**labelled(kept, labels), "next_cursor": following}


def rows_of(
    session: Session, source: Source, positions: Sequence[int], labels: Labels | None
) -> dict[str, Any]:
    """The same as rows with the columns of a source."""
    if labels is None:
        return {"items": selected(session, source, positions)}
    listed, said = labels_at(session, source.dataset_id, positions, labels)
    page = shown(blocks.Page(positions=listed), said)
    assert page.positions is not None
    return {
        "items": selected(session, with_columns(source), page.positions, page.said),
        "left_out": tally(each for each in said if each.left_out),
    }


@router.post("/query", response_model=Pairs)
def query_pairs(dataset: DatasetDep, session: SessionDep, body: PairQuery) -> dict[str, Any]:
    """The same with a filter that is too long for an address, or a JSON tree."""
    labels = labels_of(session, dataset.id, body.labels, body.labels_version, body.labels_audit)
    return queried(session, dataset.id, body, labels)


@router.post("/explain", response_model=Explained)
def explain_query(dataset: DatasetDep, session: SessionDep, body: PairQuery) -> dict[str, Any]:
    """How a filter is understood, and about how many pairs it keeps; no pair is read."""
    query = filters.Query(session, dataset.id, body.where, body.orderby)
    tree = query.tree
    understood = {"where": to_text(tree), "tree": to_json(tree)} if tree else {}
    return {"where": None, "tree": None, **understood, **query.explain()}


@router.get("/fields", response_model=list[FieldOut])
def list_fields(dataset: DatasetDep, session: SessionDep) -> list[FieldOut]:
    """What a filter of this dataset may name; `metadata.…` names what the lines said besides."""
    found = filters.catalogue(session, dataset.id).listed()
    return [
        FieldOut(name=name, kind=each.kind, meaning=each.meaning) for name, each in found.items()
    ]


@router.get("/{pair_id}", response_model=PairOut)
def read_pair(
    pair_id: uuid.UUID, dataset: DatasetDep, session: SessionDep, labels: LabelsDep
) -> PairOut:
    found = session.execute(pairs_of(dataset.id).where(Pair.id == pair_id)).first()
    if found is None:
        raise NotFound(f"no pair {pair_id} in this dataset")
    return pair_out(*found, label=None if labels is None else labels.of_pair(found[0]))
