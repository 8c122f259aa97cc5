"""Saved views: a filter and an order under a name."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.db import SessionDep
from service.errors import NotFound
from service.filters import from_json, to_json, to_text
from service.filters.query import Query
from service.paging import CursorQuery, LimitQuery, Page, decode_cursor, page_of
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.routes.overlays import LabelsDep
from service.routes.pairs import FieldsQuery, PairQuery, Pairs, queried
from service.tables.datasets import Dataset
from service.tables.views import View

router = APIRouter(
    prefix="/api/v1/datasets/{dataset_id}/views", tags=["pairs"], route_class=IdempotentRoute
)

Name = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^/\x00]+$")]


class ViewIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"where": "agreement < 1", "orderby": "votes DESC"}]},
    )

    where: str | dict[str, Any] | None = Field(default=None, description="text or JSON tree")
    orderby: str | None = None


class ViewOut(BaseModel):
    name: str
    where: str | None = Field(description="the filter as text")
    tree: dict[str, Any] | None = Field(description="the same as JSON")
    orderby: str | None
    created_at: datetime


def view_out(view: View) -> ViewOut:
    where = None if view.where is None else to_text(from_json(view.where))
    return ViewOut(
        name=view.name, where=where, tree=view.where, orderby=view.orderby,
        created_at=view.created_at,
    )  # fmt: skip


def view_named(session: Session, dataset: Dataset, name: str) -> View:
    found = session.get(View, (dataset.id, name))
    if found is None:
        raise NotFound(f"no view {name!r} of this dataset")
    return found


@router.get("", response_model=Page[ViewOut])
def list_views(
    dataset: DatasetDep, session: SessionDep, limit: LimitQuery = 100, cursor: CursorQuery = None
) -> dict[str, Any]:
    """The dataset's views by name."""
    scope = f"views {dataset.id}"
    rows = select(View).where(View.dataset_id == dataset.id).order_by(View.name)
    if (after := decode_cursor(scope, cursor)) is not None:
        rows = rows.where(View.name > str(after))
    found = [view_out(view) for view in session.scalars(rows.limit(limit + 1))]
    return page_of(found, limit, scope, "name")


@router.put("/{name}", response_model=ViewOut)
def save_view(name: Name, body: ViewIn, dataset: DatasetDep, session: SessionDep) -> ViewOut:
    """Save a filter under a name, in place of what had it. The filter is checked now."""
    tree = Query(session, dataset.id, body.where, body.orderby).tree
    view = session.merge(
        View(
            dataset_id=dataset.id,
            name=name,
            orderby=body.orderby,
            where=None if tree is None else to_json(tree),
        )
    )
    session.flush()
    session.refresh(view)
    return view_out(view)


@router.delete("/{name}", status_code=204)
def delete_view(name: Name, dataset: DatasetDep, session: SessionDep) -> None:
    session.delete(view_named(session, dataset, name))


@router.get("/{name}/pairs", response_model=Pairs)
def list_pairs_of_view(
    name: Name,
    dataset: DatasetDep,
    session: SessionDep,
    labels: LabelsDep,
    fields: FieldsQuery = None,
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> dict[str, Any]:
    """The pairs that a view keeps, in its order."""
    view = view_named(session, dataset, name)
    asked = PairQuery(
        where=view.where, orderby=view.orderby, limit=limit, cursor=cursor,
        fields=None if fields is None else fields.split(","),
    )  # fmt: skip
    return queried(session, dataset.id, asked, labels)
