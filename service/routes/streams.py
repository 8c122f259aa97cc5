"""All pairs of a dataset in one answer: lines of JSON, or an Arrow stream."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from service.db import SessionDep
from service.routes.datasets import DatasetDep
from service.viewer import streams
from service.viewer.blocks import Source
from service.viewer.fields import choose
from service.viewer.snapshots import fields_of, snapshot_of, with_scores
from service.viewer.streams import Wanted

router = APIRouter(prefix="/api/v1/datasets/{dataset_id}", tags=["pairs"])

FieldsQuery = Annotated[
    str | None, Query(description="columns, separated by commas", examples=["pair_id,chosen"])
]


def wanted(dataset: DatasetDep, session: SessionDep, fields: str | None) -> Wanted:
    """Everything that is looked up before the first byte: later, only the stream can break."""
    snapshot = snapshot_of(session, dataset.id)
    chosen = choose(fields_of(snapshot), fields)
    if any("scored." in found.sql for found in chosen):
        with_scores(session, snapshot)
    return Wanted(Source(dataset.id, snapshot.id, chosen), snapshot.anchors)


def answer(content: AsyncIterator[Any], media_type: str) -> StreamingResponse:
    return StreamingResponse(content, media_type=media_type, headers={"Cache-Control": "no-store"})


@router.get("/pairs.ndjson", response_class=StreamingResponse)
def stream_ndjson(
    dataset: DatasetDep, session: SessionDep, fields: FieldsQuery = None
) -> StreamingResponse:
    """A JSON object a line, in the order of `/rows`. Messages have all the keys they came with."""
    return answer(streams.ndjson(wanted(dataset, session, fields)), "application/x-ndjson")


@router.get("/pairs.arrow", response_class=StreamingResponse)
def stream_arrow(
    dataset: DatasetDep, session: SessionDep, fields: FieldsQuery = None
) -> StreamingResponse:
    """An Arrow IPC stream, in the order of `/rows`: `pyarrow.ipc.open_stream` reads it."""
    media_type = "application/vnd.apache.arrow.stream"
    return answer(streams.arrow(wanted(dataset, session, fields)), media_type)
