"""Datasets: create, list, read, delete."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from service.auth import WorkspaceDep
from service.db import SessionDep
from service.errors import Conflict
from service.labels import disposal
from service.paging import CursorQuery, LimitQuery, Page, decode_cursor, page_of
from service.routes.idempotent import IdempotentRoute
from service.routes.owned import owned
from service.tables.datasets import Dataset
from service.tables.pairs import Pair

router = APIRouter(prefix="/api/v1/datasets", tags=["datasets"], route_class=IdempotentRoute)

# Any text but control characters: a name is shown, and never a path.
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class DatasetIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "hh-harmless", "license": "mit"}]},
    )

    name: Name
    license: Name | None = Field(default=None, description="of the texts, for the dataset card")


class DatasetOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    name: str
    license: str | None
    created_at: datetime


class DatasetDetail(DatasetOut):
    pairs: int = Field(description="decided pairs")
    prompts: int = Field(description="distinct prompts that have a pair")


def owned_dataset(dataset_id: uuid.UUID, session: SessionDep, workspace: WorkspaceDep) -> Dataset:
    return owned(session, workspace, Dataset, dataset_id)


DatasetDep = Annotated[Dataset, Depends(owned_dataset, scope="function")]


@router.post("", status_code=201, response_model=DatasetOut)
def create_dataset(body: DatasetIn, session: SessionDep, workspace: WorkspaceDep) -> Dataset:
    """Make an empty dataset. Its name is unique in the workspace."""
    dataset = Dataset(workspace_id=workspace.id, name=body.name, license=body.license)
    try:
        with session.begin_nested():
            session.add(dataset)
    except IntegrityError:
        raise Conflict(f"there is a dataset named {body.name!r}", code="name_taken") from None
    return dataset


@router.get("", response_model=Page[DatasetOut])
def list_datasets(
    session: SessionDep,
    workspace: WorkspaceDep,
    name: Annotated[str | None, Field(max_length=200)] = None,
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> dict[str, Any]:
    """The workspace's datasets by name; `name` finds one."""
    rows = select(Dataset).where(Dataset.workspace_id == workspace.id).order_by(Dataset.name)
    if name is not None:
        rows = rows.where(Dataset.name == name)
    scope = f"datasets {workspace.id} {name}"
    if (after := decode_cursor(scope, cursor)) is not None:
        rows = rows.where(Dataset.name > str(after))
    return page_of(session.scalars(rows.limit(limit + 1)).all(), limit, scope, "name")


@router.get("/{dataset_id}", response_model=DatasetDetail)
def read_dataset(dataset: DatasetDep, session: SessionDep) -> dict[str, Any]:
    pairs, prompts = session.execute(
        select(func.count(), func.count(Pair.prompt_id.distinct())).where(
            Pair.dataset_id == dataset.id
        )
    ).one()
    own = DatasetOut.model_validate(dataset).model_dump()
    return {**own, "pairs": pairs, "prompts": prompts}


@router.delete("/{dataset_id}", status_code=204)
def delete_dataset(dataset: DatasetDep, session: SessionDep) -> None:
    """Delete the dataset with everything that was made of it, files included."""
    disposal.delete_dataset(session, dataset)
