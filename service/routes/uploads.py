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
from pydantic import BaseModel, ConfigDict, Field, Json
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from service import db, files
from service.auth import WorkspaceDep
from service.db import SessionDep
from service.errors import Invalid
from service.formats import FORMATS
from service.intake.idempotency import Claim, checked_key, once
from service.intake.take import take
from service.paging import CursorQuery, LimitQuery, Page, decode_cursor, page_of
from service.routes.datasets import DatasetDep, Name
from service.routes.idempotent import KeyHeader, claim_of
from service.routes.jobs import JobOut, job_out
from service.routes.owned import owned
from service.routes.previews import PreviewOut, previewed
from service.routes.receiving import StreamingDatasetDep, receive
from service.tables.datasets import Dataset, Reject, Upload, UploadState
from service.tables.jobs import Job

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
    mapping: dict[str, str] | None = Field(description="our column -> the file's, as asked for")
    mode: str
    decide: str
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
    mapping: Json[dict[str, str]] | None = Field(
        default=None,
        description="JSON object: a layout's column -> the file's column that holds it",
        examples=['{"prompt": "question"}'],
    )
    mode: Literal["partial", "atomic"] = Field(
        default="partial", description="atomic: one bad row refuses the file"
    )
    on_nul: Literal["reject", "replace"] = Field(
        default="reject", description="replace: NUL characters become U+FFFD"
    )
    decide: Literal["majority", "none"] = Field(
        default="majority",
        description="pairs of a line's comparisons; none: labels only, for a pair build",
    )

    def columns(self) -> dict[str, Any]:
        """As columns of an upload. Raises Invalid where the layout is not known."""
        if self.layout is not None and self.layout not in FORMATS:
            known = ", ".join(FORMATS)
            raise Invalid(f"no layout {self.layout!r}; known: {known}", code="unknown_layout")
        return self.model_dump(
            include={"filename", "layout", "mapping", "mode", "on_nul", "decide"}
        )


class SentOptions(UploadOptions):
    """How to read the file that comes with the request."""

    dry_run: bool = Field(
        default=False,
        description="only say how the file would be read: 200 with a preview; nothing is stored",
    )


def upload_out(upload: Upload) -> dict[str, Any]:
    names = [name for name in UploadOut.model_fields if name != "sha256"]
    return {name: getattr(upload, name) for name in names} | {"sha256": upload.sha256.hex()}


def owned_upload(upload_id: uuid.UUID, session: SessionDep, workspace: WorkspaceDep) -> Upload:
    return owned(session, workspace, Upload, upload_id)


UploadDep = Annotated[Upload, Depends(owned_upload, scope="function")]


@router.post(
    "/datasets/{dataset_id}/uploads",
    status_code=202,
    response_model=UploadCreated,
    responses={200: {"model": UploadCreated | PreviewOut, "description": "nothing new is stored"}},
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
    dataset: StreamingDatasetDep,
    options: Annotated[SentOptions, Query()],
    key: KeyHeader = None,
) -> Response:
    """Stream a file in. 202 once its bytes are safe and its ingest job is queued.

    The same bytes again answer 200 with the first upload, unless that one failed. With
    `dry_run=true` nothing is stored: the answer says how the file would be read.
    """
    columns = options.columns()
    key = None if key is None else checked_key(key)
    incoming = await receive(request)
    try:
        if options.dry_run:
            return await run_in_threadpool(look, columns, incoming)
        body = incoming.digest.digest()
        claim = None if key is None else claim_of(request, dataset.workspace_id, key, body)
        return await run_in_threadpool(store, dataset, columns, incoming, claim)
    except BaseException:
        await asyncio.shield(run_in_threadpool(incoming.drop))
        raise


def look(columns: dict[str, Any], incoming: files.Incoming) -> Response:
    found = previewed(columns, incoming)
    incoming.drop()
    return Response(found.model_dump_json(), media_type="application/json")


def store(
    dataset: Dataset, columns: dict[str, Any], incoming: files.Incoming, claim: Claim | None
) -> Response:
    """Make an upload of what came in."""

    def taken() -> Response:
        return answer(session, *take(session, dataset.id, columns, incoming))

    with db.new_session.begin() as session:
        found = once(session, claim, taken)
    incoming.drop()  # an earlier request's answer: these bytes are not needed
    return found


def answer(session: Session, upload: Upload, job: Job, new: bool) -> Response:
    """202 for a new upload, 200 for one that was there."""
    made = {"upload": upload_out(upload), "job": job_out(session, job)}
    body = UploadCreated.model_validate(made).model_dump_json()
    return Response(body, 202 if new else 200, media_type="application/json")


@router.get("/uploads/{upload_id}", response_model=UploadOut)
def read_upload(upload: UploadDep) -> dict[str, Any]:
    return upload_out(upload)


@router.get("/datasets/{dataset_id}/uploads", response_model=Page[UploadOut])
def list_uploads(
    dataset: DatasetDep, session: SessionDep, limit: LimitQuery = 100, cursor: CursorQuery = None
) -> dict[str, Any]:
    """The dataset's uploads in the order they came."""
    scope = f"uploads {dataset.id}"
    rows = select(Upload).where(Upload.dataset_id == dataset.id).order_by(Upload.ordinal)
    if (after := decode_cursor(scope, cursor)) is not None:
        rows = rows.where(Upload.ordinal > int(after))
    page = page_of(session.scalars(rows.limit(limit + 1)).all(), limit, scope, "ordinal")
    return {**page, "items": [upload_out(upload) for upload in page["items"]]}


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
