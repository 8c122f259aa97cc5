"""Pairs: the first-class object, read in pages."""

import uuid
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from service.db import SessionDep
from service.errors import NotFound
from service.paging import CursorQuery, LimitQuery, Page, decode_cursor, page_of
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.tables.items import Prompt, Response
from service.tables.pairs import Pair

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


@router.get("", response_model=Page[PairOut])
def list_pairs(
    dataset: DatasetDep, session: SessionDep, limit: LimitQuery = 100, cursor: CursorQuery = None
) -> dict[str, Any]:
    """The dataset's decided pairs, in the order of their uploads and lines."""
    scope = f"pairs {dataset.id}"
    rows = pairs_of(dataset.id).order_by(Pair.position).limit(limit + 1)
    if (after := decode_cursor(scope, cursor)) is not None:
        rows = rows.where(Pair.position > int(after))
    found = [pair_out(*row) for row in session.execute(rows)]
    return page_of(found, limit, scope, "position")


@router.get("/{pair_id}", response_model=PairOut)
def read_pair(pair_id: uuid.UUID, dataset: DatasetDep, session: SessionDep) -> PairOut:
    found = session.execute(pairs_of(dataset.id).where(Pair.id == pair_id)).first()
    if found is None:
        raise NotFound(f"no pair {pair_id} in this dataset")
    return pair_out(*found)
