"""Score cells of a dataset: what each signal said about each item."""

import uuid
from typing import Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import cast, select, tuple_
from sqlalchemy.orm import Session

from service.cells import newest_fit
from service.db import SessionDep
from service.errors import NotFound
from service.paging import CursorQuery, LimitQuery, Page, decode_cursor, page_of
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.tables.scores import Score, SignalRow

router = APIRouter(prefix="/api/v1", tags=["scores"], route_class=IdempotentRoute)


class CellOut(BaseModel):
    """A finite value, or none and a status that says why; `unseen` by the fit that scored it."""

    model_config = ConfigDict(from_attributes=True)

    item_id: uuid.UUID
    output: str
    value: float | None
    status: str
    unseen: bool


@router.get("/datasets/{dataset_id}/scores", response_model=Page[CellOut])
def list_scores(
    dataset: DatasetDep,
    session: SessionDep,
    signal: str = Query(description="kind of the signal, or its identity"),
    output: str | None = None,
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> dict[str, Any]:
    """Cells in the order of output and item; of a fitted signal, those of its newest fit."""
    row = newest_signal(session, dataset.id, signal)
    fit = newest_fit(session, row.id)
    query = select(Score).where(
        Score.signal_id == row.id, Score.fit_id.is_not_distinct_from(fit.id if fit else None)
    )
    if output is not None:
        query = query.where(Score.output == output)
    scope = f"scores/{row.id}/{fit.id if fit else None}/{output}"
    if (after := decode_cursor(scope, cursor)) is not None:
        last = tuple_(after[0], cast(after[1], Score.item_id.type))
        query = query.where(tuple_(Score.output, Score.item_id) > last)
    cells = session.scalars(query.order_by(Score.output, Score.item_id).limit(limit + 1)).all()
    return page_of(cells, limit, scope, "page_key")


def newest_signal(session: Session, dataset_id: uuid.UUID, name: str) -> SignalRow:
    """A kind may have been computed with several parameters: the newest one is meant."""
    found = session.scalars(
        select(SignalRow)
        .where(SignalRow.dataset_id == dataset_id)
        .where((SignalRow.kind == name) | (SignalRow.identity == name))
        .order_by(SignalRow.id.desc())
        .limit(1)
    ).first()
    if found is None:
        raise NotFound(f"no signal {name!r} was computed on dataset {dataset_id}")
    return found
