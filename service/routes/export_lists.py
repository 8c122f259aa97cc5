"""The exports of a dataset: those of its subsets, and of the whole of it."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import cast, select, tuple_

from service.db import SessionDep
from service.paging import CursorQuery, LimitQuery, Page, decode_cursor, encode_cursor
from service.routes.datasets import DatasetDep
from service.routes.exports import ExportOut
from service.tables.subsets import Export, Subset

router = APIRouter(prefix="/api/v1", tags=["exports"])


@router.get("/datasets/{dataset_id}/exports", response_model=Page[ExportOut])
def list_exports(
    dataset: DatasetDep, session: SessionDep, limit: LimitQuery = 100, cursor: CursorQuery = None
) -> dict[str, Any]:
    """Newest first."""
    scope = f"exports {dataset.id}"
    query = select(Export).join(Subset, Subset.id == Export.subset_id)
    query = query.where(Subset.dataset_id == dataset.id)
    if (after := decode_cursor(scope, cursor)) is not None:
        last = tuple_(cast(after[0], Export.created_at.type), cast(after[1], Export.id.type))
        query = query.where(tuple_(Export.created_at, Export.id) < last)
    query = query.order_by(Export.created_at.desc(), Export.id.desc())
    found = session.scalars(query.limit(limit + 1)).all()
    kept = found[:limit]
    more = len(found) > limit
    last_key = [kept[-1].created_at.isoformat(), str(kept[-1].id)] if more else None
    return {"items": kept, "next_cursor": encode_cursor(scope, last_key) if more else None}
