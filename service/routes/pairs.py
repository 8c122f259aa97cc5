"""Pairs: the first-class object, read in pages."""

import uuid
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
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.tables.items import Prompt, Response
from service.tables.pairs import Pair
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


def pair_out(pair: Pair, messages: list[Any], chosen: Response, rejected: Response) -> PairOut:
    return PairOut(
        id=pair.id,
        position=pair.position,
        prompt_id=pair.prompt_id,
        prompt=messages,
        chosen=ResponseOut.model_validate(chosen, from_attributes=True),
        rejected=ResponseOut.model_validate(rejected, from_attributes=True),
        votes=pair.votes,
        agreement=pair.agreement,
        margin=pair.margin,
        soft_label=pair.soft_label,
        curriculum_stage=pair.curriculum_stage,
        build_id=pair.build_id,
        source=SourceOut(upload_id=pair.upload_id, line=pair.line),
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
Pairs = Page[PairOut | Selected]


@router.get("", response_model=Pairs)
def list_pairs(
    dataset: DatasetDep,
    session: SessionDep,
    where: WhereQuery = None,
    orderby: OrderQuery = None,
    fields: FieldsQuery = None,
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> dict[str, Any]:
    """The dataset's pairs, in the order of their uploads and lines, or filtered and ordered."""
    if where or orderby or fields is not None:
        named = None if fields is None else fields.split(",")
        return queried(session, dataset.id, PairQuery.model_construct(
            where=where, orderby=orderby, fields=named, limit=limit, cursor=cursor
        ))  # fmt: skip
    scope = f"pairs {dataset.id}"
    rows = pairs_of(dataset.id).order_by(Pair.position).limit(limit + 1)
    if (after := decode_cursor(scope, cursor)) is not None:
        rows = rows.where(Pair.position > int(after))
    found = [pair_out(*row) for row in session.execute(rows)]
    return page_of(found, limit, scope, "position")


def queried(session: Session, dataset_id: uuid.UUID, wanted: PairQuery) -> dict[str, Any]:
    """A page of the pairs that a filter keeps, in its order."""
    query = filters.Query(session, dataset_id, wanted.where, wanted.orderby)
    positions, following = query.page(wanted.limit, wanted.cursor)
    if wanted.fields is not None:
        source = source_of(session, query.snapshot, wanted.fields)
        return {"items": selected(session, source, positions), "next_cursor": following}
    rows = session.execute(pairs_of(dataset_id).where(Pair.position.in_(positions)))
    found = {row[0].position: pair_out(*row) for row in rows}
    kept = [found[position] for position in positions if position in found]
    return {"items": kept, "next_cursor": following}


@router.post("/query", response_model=Pairs)
def query_pairs(dataset: DatasetDep, session: SessionDep, body: PairQuery) -> dict[str, Any]:
    """The same with a filter that is too long for an address, or a JSON tree."""
    return queried(session, dataset.id, body)


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
def read_pair(pair_id: uuid.UUID, dataset: DatasetDep, session: SessionDep) -> PairOut:
    found = session.execute(pairs_of(dataset.id).where(Pair.id == pair_id)).first()
    if found is None:
        raise NotFound(f"no pair {pair_id} in this dataset")
    return pair_out(*found)
