"""All pairs of a dataset, or those that a filter keeps, in one answer: lines of JSON or Arrow."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse

from service.db import SessionDep
from service.filters import query as filters
from service.review.reads import relabelling, with_columns
from service.routes.datasets import DatasetDep
from service.routes.overlays import LabelsDep
from service.routes.pairs import FieldsQuery, WhereQuery
from service.tables.pairs import Pair
from service.viewer import streams
from service.viewer.rows import source_of
from service.viewer.streams import Wanted

router = APIRouter(prefix="/api/v1/datasets/{dataset_id}", tags=["pairs"])


def wanted(
    dataset: DatasetDep,
    session: SessionDep,
    labels: LabelsDep,
    fields: FieldsQuery = None,
    where: WhereQuery = None,
) -> Wanted:
    """Everything that is looked up before the first byte: later, only the stream can break."""
    query = filters.Query(session, dataset.id, where)
    source = source_of(session, query.snapshot, fields)
    kept = None if query.condition is None else query.select(Pair.position)
    if labels is None:
        return Wanted(source, query.snapshot.anchors, kept)
    relabel = relabelling(dataset.id, labels)
    return Wanted(with_columns(source), query.snapshot.anchors, kept, relabel)


WantedDep = Annotated[Wanted, Depends(wanted, scope="function")]


def answer(content: AsyncIterator[Any], media_type: str) -> StreamingResponse:
    return StreamingResponse(content, media_type=media_type, headers={"Cache-Control": "no-store"})


@router.get("/pairs.ndjson", response_class=StreamingResponse)
def stream_ndjson(wanted: WantedDep) -> StreamingResponse:
    """A JSON object a line, in the order of `/rows`. Messages have all the keys they came with."""
    return answer(streams.ndjson(wanted), "application/x-ndjson")


@router.get("/pairs.arrow", response_class=StreamingResponse)
def stream_arrow(wanted: WantedDep) -> StreamingResponse:
    """An Arrow IPC stream, in the order of `/rows`: `pyarrow.ipc.open_stream` reads it."""
    return answer(streams.arrow(wanted), "application/vnd.apache.arrow.stream")
