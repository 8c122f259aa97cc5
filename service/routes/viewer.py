"""The read API of Hugging Face's dataset viewer, for the pairs of a dataset.

Each route is there twice: by the dataset's id, and as the viewer has it, by `dataset=NAME`.
"""

import uuid
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from service import files
from service.auth import WorkspaceDep
from service.db import SessionDep
from service.errors import Invalid, NotFound
from service.filters import query as filters
from service.filters.builder import match
from service.routes.owned import owned
from service.tables.datasets import Dataset, Upload
from service.tables.viewer import ParquetShard, Snapshot
from service.viewer import descriptions, rows
from service.viewer.descriptions import CONFIG, SPLIT
from service.viewer.parquet_files import convert, file_name, shards_of
from service.viewer.snapshots import positions, snapshot_of
from service.viewer.statistics import statistics

router = APIRouter(prefix="/api/v1", tags=["viewer"])
BY_ID, BY_NAME = "/datasets/{dataset_id}", "/viewer"
FIRST_ROWS = 100

Offset = Annotated[int, Query(ge=0, lt=1 << 62, description="of the first row")]
Length = Annotated[int, Query(ge=0, le=rows.PAGE_ROWS, description="rows of the page")]


class FeatureItem(BaseModel):
    feature_idx: int
    name: str = Field(examples=["prompt"])
    type: dict[str, Any] = Field(examples=[{"dtype": "string", "_type": "Value"}])


class RowItem(BaseModel):
    row_idx: int
    row: dict[str, Any]
    truncated_cells: list[str] = Field(description="columns whose text was cut")


class Rows(BaseModel):
    features: list[FeatureItem]
    rows: list[RowItem]
    num_rows_total: int
    num_rows_per_page: int
    partial: bool


class FirstRows(BaseModel):
    dataset: str
    config: str
    split: str
    features: list[FeatureItem]
    rows: list[RowItem]
    truncated: bool


class SplitItem(BaseModel):
    dataset: str
    config: str
    split: str


class Splits(BaseModel):
    splits: list[SplitItem]
    pending: list[dict[str, str]] = []
    failed: list[dict[str, Any]] = []


class Validity(BaseModel):
    preview: bool = True
    viewer: bool = True
    search: bool = True
    filter: bool = True
    statistics: bool = True


class ColumnStatistics(BaseModel):
    column_name: str
    column_type: Literal["float", "int", "string_label", "string_text", "list"]
    column_statistics: dict[str, Any]


class Statistics(BaseModel):
    num_examples: int
    statistics: list[ColumnStatistics]
    partial: bool = False


def viewed_dataset(
    session: SessionDep,
    workspace: WorkspaceDep,
    dataset_id: uuid.UUID | None = None,
    dataset: Annotated[str | None, Query(max_length=200, description="its name")] = None,
    config: Annotated[str, Query(description="there is one: default")] = CONFIG,
    split: Annotated[str, Query(description="there is one: train")] = SPLIT,
) -> Dataset:
    """The dataset of the path, or the one so named in the caller's workspace."""
    if dataset_id is None and not dataset:
        raise Invalid("Parameter 'dataset' is required", code="missing_parameter", field="dataset")
    if dataset_id is not None:
        found = owned(session, workspace, Dataset, dataset_id)
    else:
        named = select(Dataset).where(Dataset.name == dataset, Dataset.workspace_id == workspace.id)
        found = session.scalar(named)
    if found is None:
        raise NotFound(f"no dataset {dataset!r}")
    if (config, split) != (CONFIG, SPLIT):
        raise NotFound(f"no split {config!r}, {split!r}; there is {CONFIG!r}, {SPLIT!r}")
    return found


ViewedDep = Annotated[Dataset, Depends(viewed_dataset, scope="function")]


@router.get(f"{BY_ID}/rows", response_model=Rows)
@router.get(f"{BY_NAME}/rows", response_model=Rows)
def read_rows(
    dataset: ViewedDep, session: SessionDep, offset: Offset = 0, length: Length = 100
) -> dict[str, Any]:
    """Rows `offset` … `offset + length - 1`, in the order of uploads and lines."""
    snapshot = snapshot_of(session, dataset.id)
    wanted = positions(session, snapshot, offset, length)
    return rows.page(session, snapshot, wanted, snapshot.rows)


@router.get(f"{BY_ID}/filter", response_model=Rows)
@router.get(f"{BY_NAME}/filter", response_model=Rows)
def filter_rows(
    dataset: ViewedDep,
    session: SessionDep,
    where: Annotated[str, Query(description="see docs/filters.md", examples=["votes > 1"])] = "",
    orderby: Annotated[str, Query(description="fields with ASC or DESC")] = "",
    offset: Offset = 0,
    length: Length = 100,
) -> dict[str, Any]:
    """Rows `offset` … of those that a filter keeps, in its order. `cursor` pages go deeper:
    GET /datasets/{id}/pairs."""
    query = filters.Query(session, dataset.id, where, orderby)
    return rows.page(session, query.snapshot, query.rows(offset, length), query.count())


@router.get(f"{BY_ID}/search", response_model=Rows)
@router.get(f"{BY_NAME}/search", response_model=Rows)
def search_rows(
    dataset: ViewedDep,
    session: SessionDep,
    query: Annotated[str, Query(max_length=1000, description="words, as in a web search")],
    offset: Offset = 0,
    length: Length = 100,
) -> dict[str, Any]:
    """Rows whose prompt or answers hold these words."""
    found = filters.Query(session, dataset.id, match(query).node)
    return rows.page(session, found.snapshot, found.rows(offset, length), found.count())


@router.get(f"{BY_ID}/first-rows", response_model=FirstRows)
@router.get(f"{BY_NAME}/first-rows", response_model=FirstRows)
def read_first_rows(dataset: ViewedDep, session: SessionDep) -> dict[str, Any]:
    """The first 100 rows."""
    snapshot = snapshot_of(session, dataset.id)
    wanted = positions(session, snapshot, 0, FIRST_ROWS)
    page = rows.page(session, snapshot, wanted, snapshot.rows)
    truncated = snapshot.rows > len(wanted)
    return {**descriptions.split_item(dataset), **page, "truncated": truncated}


@router.get(f"{BY_ID}/splits", response_model=Splits)
@router.get(f"{BY_NAME}/splits", response_model=Splits)
def read_splits(dataset: ViewedDep) -> dict[str, Any]:
    """The one split that a dataset has before it is exported."""
    return {"splits": [descriptions.split_item(dataset)]}


@router.get(f"{BY_ID}/is-valid", response_model=Validity)
@router.get(f"{BY_NAME}/is-valid", response_model=Validity)
def read_validity(_dataset: ViewedDep) -> Validity:
    """What can be asked of the dataset."""
    return Validity()


@router.get(f"{BY_ID}/statistics", response_model=Statistics)
@router.get(f"{BY_NAME}/statistics", response_model=Statistics)
def read_statistics(dataset: ViewedDep, session: SessionDep) -> dict[str, Any]:
    """Distribution of every column, of the texts' lengths and of the scores.

    Computed when it is first asked for, and again when the dataset has changed.
    """
    snapshot = snapshot_of(session, dataset.id)
    return {"num_examples": snapshot.rows, "statistics": statistics(session, snapshot)}


@router.get(f"{BY_ID}/size")
@router.get(f"{BY_NAME}/size")
def read_size(dataset: ViewedDep, session: SessionDep) -> dict[str, Any]:
    """Rows and bytes. Parquet bytes are those of the files that `/parquet` has made so far."""
    snapshot = snapshot_of(session, dataset.id)
    original = session.scalar(
        select(func.coalesce(func.sum(Upload.size), 0)).where(Upload.dataset_id == dataset.id)
    )
    return descriptions.size(dataset, snapshot, made(session, snapshot), int(original or 0))


@router.get(f"{BY_ID}/info")
@router.get(f"{BY_NAME}/info")
def read_info(dataset: ViewedDep, session: SessionDep) -> dict[str, Any]:
    """The dataset as `datasets.DatasetInfo`."""
    snapshot = snapshot_of(session, dataset.id)
    return descriptions.info(dataset, snapshot, made(session, snapshot))


def made(session: SessionDep, snapshot: Snapshot) -> list[ParquetShard]:
    return list(session.scalars(shards_of(snapshot)))


@router.get(f"{BY_ID}/parquet")
@router.get(f"{BY_NAME}/parquet")
def list_parquet_files(dataset: ViewedDep, request: Request) -> dict[str, Any]:
    """Files of 100,000 rows, made now where they are missing.

    After some seconds the list ends with the files that there are, and `pending` is not empty: ask
    again for the rest.
    """
    snapshot, shards = convert(dataset.id)
    return descriptions.parquet(dataset, snapshot, shards, f"{address(request, dataset)}/parquet")


@router.get(f"{BY_ID}/croissant")
@router.get(f"{BY_NAME}/croissant")
def read_croissant(dataset: ViewedDep, request: Request) -> dict[str, Any]:
    """The dataset as Croissant metadata, with the hashes of its Parquet files."""
    snapshot, shards = convert(dataset.id)
    return descriptions.croissant_of(dataset, snapshot, shards, address(request, dataset))


def address(request: Request, dataset: Dataset) -> str:
    return f"{str(request.base_url).rstrip('/')}/api/v1/datasets/{dataset.id}"


@router.get(f"{BY_ID}/parquet/{{name}}", response_class=StreamingResponse)
def download_parquet_file(name: str, dataset: ViewedDep, session: SessionDep) -> StreamingResponse:
    """One of the files that `/parquet` lists."""
    snapshot = snapshot_of(session, dataset.id)
    for shard in made(session, snapshot):
        if file_name(snapshot, shard.ordinal) == name:
            headers = {"Content-Length": str(shard.size), "ETag": f'"{shard.sha256}"'}
            media_type = "application/vnd.apache.parquet"
            return StreamingResponse(chunks(shard.key), 200, headers, media_type)
    raise NotFound(f"no file {name!r}: list the files first")


def chunks(key: str) -> Iterator[bytes]:
    with files.open(key) as file:
        while chunk := file.read(files.BLOCK):
            yield chunk
