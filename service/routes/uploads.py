"""Uploads: a file's bytes in, its counts and rejects out."""

import asyncio
import base64
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from service import db, files
from service.auth import WorkspaceDep
from service.config import settings
from service.db import SessionDep
from service.errors import BadRequest, Invalid, NotFound, TooLarge
from service.formats import FORMATS
from service.queue import enqueue
from service.routes.datasets import DatasetDep, Name
from service.routes.jobs import JobOut, job_out
from service.tables.datasets import Dataset, Reject, Upload, UploadState
from service.tables.jobs import FINAL_STATES, Job, JobKind

router = APIRouter(prefix="/api/v1", tags=["uploads"])

REJECTS_A_PAGE = 500


class UploadOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    dataset_id: uuid.UUID
    filename: str
    sha256: str = Field(description="of the bytes as uploaded", examples=["9f86d081884c7d65…"])
    size: int
    layout: str | None = Field(description="as recognised, once ingested", examples=["hh"])
    mode: str
    state: UploadState
    rows_in: int | None = Field(description="non-blank lines or rows read")
    accepted: int | None
    rejected: int | None = Field(description="rejected + accepted = rows_in")
    pairs: int | None = Field(description="decided pairs")
    error: dict[str, Any] | None
    created_at: datetime


class UploadCreated(BaseModel):
    upload: UploadOut
    job: JobOut


class UploadOptions(BaseModel):
    """How to read the file."""

    model_config = ConfigDict(extra="forbid")

    filename: Name = Field(default="upload", description="shown; never used as a path")
    layout: str | None = Field(default=None, description="one of GET /formats; else recognised")
    mode: Literal["partial", "atomic"] = Field(
        default="partial", description="atomic: one bad row refuses the file"
    )
    on_nul: Literal["reject", "replace"] = Field(
        default="reject", description="replace: NUL characters become U+FFFD"
    )


def upload_out(upload: Upload) -> dict[str, Any]:
    names = [name for name in UploadOut.model_fields if name != "sha256"]
    return {name: getattr(upload, name) for name in names} | {"sha256": upload.sha256.hex()}


def owned_upload(upload_id: uuid.UUID, session: SessionDep, workspace: WorkspaceDep) -> Upload:
    found = session.scalar(
        select(Upload)
        .join(Dataset)
        .where(Upload.id == upload_id, Dataset.workspace_id == workspace.id)
    )
    if found is None:
        raise NotFound(f"no upload {upload_id}")
    return found


UploadDep = Annotated[Upload, Depends(owned_upload, scope="function")]


@router.post(
    "/datasets/{dataset_id}/uploads",
    status_code=202,
    response_model=UploadCreated,
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The file: JSONL or Parquet, plain, gzip or zstd.",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
                "application/x-ndjson": {
                    "example": '{"prompt": "2 + 2?", "chosen": "4", "rejected": "5"}\n'
                },
            },
        }
    },
)
async def create_upload(
    request: Request,
    response: Response,
    dataset: DatasetDep,
    options: Annotated[UploadOptions, Query()],
) -> dict[str, Any]:
    """Stream a file in. 202 once its bytes are safe and its ingest job is queued.

    The same bytes again answer 200 with the first upload, unless that one failed.
    """
    if options.layout is not None and options.layout not in FORMATS:
        known = ", ".join(FORMATS)
        raise Invalid(f"no layout {options.layout!r}; known: {known}", code="unknown_layout")
    incoming = await receive(request)
    try:
        answer, new = await run_in_threadpool(store, dataset, options, incoming)
    except BaseException:
        await asyncio.shield(run_in_threadpool(incoming.drop))
        raise
    response.status_code = 202 if new else 200
    return answer


async def receive(request: Request) -> files.Incoming:
    """The body on disk, hashed. Nothing stays of one that is too large or breaks off."""
    limit = settings.max_upload_bytes
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise TooLarge(f"the file is larger than {limit} bytes", code="upload_too_large")
    incoming = await run_in_threadpool(files.Incoming)
    try:
        waiting = bytearray()
        async for block in request.stream():
            waiting += block
            if incoming.size + len(waiting) > limit:
                raise TooLarge(f"the file is larger than {limit} bytes", code="upload_too_large")
            if len(waiting) >= files.BLOCK:
                await run_in_threadpool(incoming.write, bytes(waiting))
                waiting.clear()
        await run_in_threadpool(incoming.write, bytes(waiting))
    except ClientDisconnect:
        await asyncio.shield(run_in_threadpool(incoming.drop))
        raise BadRequest("the upload broke off", code="upload_broke_off") from None
    except BaseException:
        await asyncio.shield(run_in_threadpool(incoming.drop))
        raise
    return incoming


def store(
    dataset: Dataset, options: UploadOptions, incoming: files.Incoming
) -> tuple[dict[str, Any], bool]:
    """Keep the bytes and queue their ingest, or find the upload that brought them before."""
    sha256 = incoming.digest.digest()
    with db.new_session.begin() as session:
        # One at a time in a dataset: the ordinal counts up, and the same bytes meet here.
        # key_share: a running ingest holds the row for its foreign keys; do not wait for it.
        rows = select(Dataset.id).where(Dataset.id == dataset.id)
        if session.scalar(rows.with_for_update(key_share=True)) is None:
            raise NotFound(f"no dataset {dataset.id}")  # deleted while the bytes came in
        found = session.scalar(
            select(Upload)
            .where(Upload.dataset_id == dataset.id, Upload.sha256 == sha256)
            .where(Upload.state != UploadState.failed)
        )
        if found is not None:
            job = ingest_job(session, found)
            if found.state == UploadState.ingested or job.state not in FINAL_STATES:
                incoming.drop()
                return {"upload": upload_out(found), "job": job_out(session, job)}, False
            found.state = UploadState.failed  # its job was cancelled before it took anything
            session.flush()
        incoming.keep(files.upload_key(sha256))
        upload = add_upload(session, dataset, options, sha256, incoming.size)
        job = Job(
            workspace_id=dataset.workspace_id,
            dataset_id=dataset.id,
            kind=JobKind.ingest,
            spec={"upload_id": str(upload.id)},
            stages=["ingest"],
        )
        enqueue(session, job)
        session.flush()
        session.refresh(job)
        return {"upload": upload_out(upload), "job": job_out(session, job)}, True


def add_upload(
    session: Session, dataset: Dataset, options: UploadOptions, sha256: bytes, size: int
) -> Upload:
    last = session.scalar(
        select(func.coalesce(func.max(Upload.ordinal), 0)).where(Upload.dataset_id == dataset.id)
    )
    upload = Upload(
        dataset_id=dataset.id,
        ordinal=(last or 0) + 1,
        sha256=sha256,
        size=size,
        **options.model_dump(),
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


@router.get("/uploads/{upload_id}", response_model=UploadOut)
def read_upload(upload: UploadDep) -> dict[str, Any]:
    return upload_out(upload)


@router.get("/datasets/{dataset_id}/uploads", response_model=list[UploadOut])
def list_uploads(dataset: DatasetDep, session: SessionDep) -> list[dict[str, Any]]:
    """The dataset's uploads in the order they came."""
    rows = select(Upload).where(Upload.dataset_id == dataset.id).order_by(Upload.ordinal)
    return [upload_out(upload) for upload in session.scalars(rows)]


@router.get("/uploads/{upload_id}/rejects", response_class=Response)
def read_rejects(upload: UploadDep) -> StreamingResponse:
    """JSONL: line, field, code, message and the raw line of each row that was not taken."""
    return StreamingResponse(
        reject_lines(upload.id),
        media_type="application/x-ndjson",
        headers={"Content-Disposition": 'attachment; filename="rejects.jsonl"'},
    )


def reject_lines(upload_id: uuid.UUID) -> Iterator[bytes]:
    """Pages of lines; raw bytes that are no UTF-8 come as base64 under `raw_base64`."""
    after = 0
    while True:
        with db.new_session() as session:
            rows = session.scalars(
                select(Reject)
                .where(Reject.upload_id == upload_id, Reject.line > after)
                .order_by(Reject.line)
                .limit(REJECTS_A_PAGE)
            ).all()
        if not rows:
            return
        yield b"".join(map(reject_line, rows))
        after = rows[-1].line


def reject_line(row: Reject) -> bytes:
    named = {"line": row.line, "field": row.field, "code": row.code, "message": row.message}
    try:
        raw = {"raw": row.raw.decode()}
    except UnicodeDecodeError:
        raw = {"raw_base64": base64.b64encode(row.raw).decode()}
    return orjson.dumps({**named, **raw}, option=orjson.OPT_APPEND_NEWLINE)
