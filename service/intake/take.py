"""A file whose bytes have arrived -> an upload and its ingest job, once for the same bytes."""

import uuid
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service import files
from service.errors import Conflict, NotFound
from service.queue import enqueue
from service.tables.datasets import Dataset, Upload, UploadState
from service.tables.jobs import FINAL_STATES, Job, JobKind
from service.tables.pairs import FIRST_BUILD

STORE_LOCK = 0x73746F72  # shared by who stores a file, held alone by who removes what has no row


def take(
    session: Session, dataset_id: uuid.UUID, options: dict[str, Any], incoming: files.Incoming
) -> tuple[Upload, Job, bool]:
    """Keep the bytes and queue their ingest, or find the upload that brought them before.

    The last value: whether it is new. `options` are columns of the upload. The caller commits,
    soon: the dataset is locked.
    """
    sha256 = incoming.digest.digest()
    dataset = held(session, dataset_id)
    found = session.scalar(
        select(Upload)
        .where(Upload.dataset_id == dataset_id, Upload.sha256 == sha256)
        .where(Upload.state != UploadState.failed)
    )
    if found is not None:
        if found.state == UploadState.withdrawn:
            detail = f"these bytes are upload {found.id}, which is withdrawn: restore it instead"
            raise Conflict(detail, code="upload_withdrawn")
        job = ingest_job(session, found)
        under_way = job.state not in FINAL_STATES
        if found.state == UploadState.ingested or under_way:
            if not read_otherwise(found, options):
                incoming.drop()
                return found, job, False
            if under_way or found.accepted:
                detail = (
                    f"these bytes are upload {found.id}, read with other options: erase it first"
                )
                raise Conflict(detail, code="read_otherwise")
        found.state = UploadState.failed  # nothing was taken of it
        session.flush()
    session.execute(select(func.pg_advisory_xact_lock_shared(STORE_LOCK)))
    incoming.keep(files.upload_key(sha256))
    upload = add_upload(session, dataset_id, options, sha256, incoming.size)
    job = Job(
        workspace_id=dataset.workspace_id,
        dataset_id=dataset_id,
        kind=JobKind.ingest,
        spec={"upload_id": str(upload.id)},
        stages=["ingest"],
    )
    enqueue(session, job)
    session.flush()
    session.refresh(job)
    return upload, job, True


def read_otherwise(found: Upload, options: dict[str, Any]) -> bool:
    """Whether these options would read the bytes in another way than the upload did."""
    return (
        options.get("layout") not in (None, found.layout)
        or (options.get("mapping") or {}) != (found.mapping or {})
        or options.get("on_nul", found.on_nul) != found.on_nul
    )


def held(session: Session, dataset_id: uuid.UUID) -> Dataset:
    """The dataset, locked: its uploads are counted one at a time, and the same bytes meet here.

    key_share: a running ingest holds the row for its foreign keys; do not wait for it.
    """
    rows = select(Dataset).where(Dataset.id == dataset_id)
    dataset = session.scalar(rows.with_for_update(key_share=True))
    if dataset is None:
        raise NotFound(f"no dataset {dataset_id}")  # deleted while the bytes came in
    return dataset


def add_upload(
    session: Session, dataset_id: uuid.UUID, options: dict[str, Any], sha256: bytes, size: int
) -> Upload:
    last = session.scalar(
        select(func.coalesce(func.max(Upload.ordinal), 0)).where(Upload.dataset_id == dataset_id)
    )
    if (last or 0) + 1 >= FIRST_BUILD:
        detail = f"a dataset has at most {FIRST_BUILD - 1} uploads: put files together"
        raise Conflict(detail, code="too_many_uploads")
    upload = Upload(
        dataset_id=dataset_id, ordinal=(last or 0) + 1, sha256=sha256, size=size, **options
    )
    session.add(upload)
    session.flush()
    session.refresh(upload)
    return upload


def ingest_job(session: Session, upload: Upload) -> Job:
    return session.scalars(
        select(Job)
        .where(Job.dataset_id == upload.dataset_id, Job.kind == JobKind.ingest)
        .where(Job.spec["upload_id"].astext == str(upload.id))
        .limit(1)
    ).one()
