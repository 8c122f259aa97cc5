"""Everything that was uploaded, label by label, in any layout that can say it."""

import uuid
from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import orjson
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from sqlalchemy import select
from starlette.concurrency import iterate_in_threadpool

from service import db
from service.db import SessionDep
from service.errors import Invalid
from service.formats import FORMATS, Format
from service.formats.record import Record, RowError
from service.labels.records import batch_after, read_batch
from service.review.record_labels import RecordLabels, added
from service.routes.datasets import DatasetDep
from service.routes.overlays import LabelsDep
from service.tables.datasets import Upload, UploadState

router = APIRouter(prefix="/api/v1/datasets/{dataset_id}", tags=["datasets"])

CANNOT = 20  # records that are named where a layout can't say them
LayoutQuery = Annotated[str, Query(description="one of GET /formats", examples=["native"])]


@router.get("/records.ndjson", response_class=StreamingResponse)
def stream_records(
    dataset: DatasetDep, session: SessionDep, labels: LabelsDep, layout: LayoutQuery = "native"
) -> StreamingResponse:
    """The dataset's records in the order of its files and lines, a JSON object a line.

    Every label is there: a layout that can't say one of them is refused with the first lines that
    hold such labels (422 `not_expressible`); `native` can say all. With `labels` each pair has one
    comparison more, signed with its author and version (docs/review.md).
    """
    target = FORMATS.get(layout)
    if target is None:
        raise Invalid(f"no layout {layout!r}; known: {', '.join(FORMATS)}", code="unknown_layout")
    query = select(Upload.id).where(
        Upload.dataset_id == dataset.id, Upload.state == UploadState.ingested
    )
    uploads = list(session.scalars(query.order_by(Upload.ordinal)))
    told = Told(target, None if labels is None else RecordLabels(labels))
    if layout != "native":
        refuse_unsayable(told, uploads)
    content = iterate_in_threadpool(lines(told, uploads))
    headers = {"Cache-Control": "no-store"}
    return StreamingResponse(content, media_type="application/x-ndjson", headers=headers)


class Told(NamedTuple):
    """In which layout, with which labels beside those that were given."""

    target: Format
    labels: RecordLabels | None

    def write(self, upload: Upload, line: int, record: Record) -> list[dict[str, Any]]:
        if self.labels is not None:
            record = added(self.labels.over(upload.id, line, record))
        return self.target.write(record)


def batches(uploads: list[uuid.UUID]) -> Iterator[list[tuple[Upload, int, Record]]]:
    """(upload, line, record) in batches: each has a transaction of its own, so that a slow reader
    holds none."""
    for upload_id in uploads:
        after = (-1, -1)
        while True:
            with db.new_session() as session:
                upload = session.get_one(Upload, upload_id)
                rows = batch_after(session, upload, after, None)
                records = list(read_batch(session, upload, rows)) if rows else []
            if not rows:
                break
            after = (rows[-1].line, rows[-1].part)
            yield [(upload, row.line, record) for row, record in zip(rows, records, strict=True)]


def refuse_unsayable(told: Told, uploads: list[uuid.UUID]) -> None:
    found: list[dict[str, Any]] = []
    for batch in batches(uploads):
        for upload, line, record in batch:
            try:
                told.write(upload, line, record)
            except RowError as error:
                found.append({"line": line, "code": error.code, "message": error.message})
        if len(found) >= CANNOT:
            break
    if found:
        first = found[0]
        detail = f"{told.target.name} can't say what line {first['line']} holds: {first['message']}"
        raise Invalid(detail, code="not_expressible", errors=found[:CANNOT])


def lines(told: Told, uploads: list[uuid.UUID]) -> Iterator[bytes]:
    for batch in batches(uploads):
        rows = (row for each in batch for row in told.write(*each))
        yield b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
