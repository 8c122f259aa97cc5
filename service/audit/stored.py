"""A dataset as an audit reads it: every stored record with its labels, and what was refused."""

import uuid
from collections.abc import Callable, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.audit.collect import Collector, Place, Reject
from service.formats.record import Record
from service.labels.records import BATCH, load_records
from service.tables.datasets import Reject as RejectRow
from service.tables.datasets import Upload, UploadState
from service.tables.erasures import Erasure


def collected(
    session: Session,
    dataset_id: uuid.UUID,
    progress: Callable[[int], object],
    seen: Callable[[uuid.UUID, Record, Sequence[Place]], object],
) -> tuple[Collector, list[str]]:
    """What a collector of the uploaded files holds, and the ids of the uploads.

    `progress` is told how many records were read so far; `seen` each record of an upload, with the
    pairs that it decides.
    """
    collector = Collector()
    places = collector.collected.places
    uploads = session.scalars(
        select(Upload)
        .where(Upload.dataset_id == dataset_id, Upload.state == UploadState.ingested)
        .order_by(Upload.ordinal)
    ).all()
    for upload in uploads:
        for _, line, record in load_records(session, dataset_id, upload.id):
            before = len(places)
            collector.record(record, upload.filename, line)
            seen(upload.id, record, places[before:])
            if collector.collected.records % BATCH == 0:
                progress(collector.collected.records)
        if upload.layout is not None:
            collector.collected.layouts[upload.filename] = upload.layout
        collector.collected.rejects += rejects(session, upload)
    return collector, [str(upload.id) for upload in uploads]


def rejects(session: Session, upload: Upload) -> list[Reject]:
    found = session.scalars(
        select(RejectRow).where(RejectRow.upload_id == upload.id).order_by(RejectRow.line)
    )
    return [Reject(upload.filename, row.line, row.code, row.message) for row in found]


def erasures(session: Session, dataset_id: uuid.UUID) -> int:
    """How many sources were erased from the dataset: records read before the last were more."""
    query = select(func.count()).where(Erasure.dataset_id == dataset_id, Erasure.state == "done")
    return session.scalar(query) or 0
