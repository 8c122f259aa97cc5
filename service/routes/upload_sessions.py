"""Uploads that survive a lost connection: create, ask where to go on, append, complete.

The protocol of draft-ietf-httpbis-resumable-upload, by its header fields.
"""

import asyncio
import base64
import binascii
import re
import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import func
from starlette.concurrency import run_in_threadpool

from service import db, files
from service.auth import StreamingWorkspaceDep
from service.config import settings
from service.db import SessionDep
from service.errors import BadRequest, ServiceError, TooLarge
from service.intake import resumable
from service.intake.resumable import Appender, offset_mismatch
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.routes.owned import owned
from service.routes.receiving import blocks, check_head
from service.routes.uploads import UploadCreated, UploadOptions, answer
from service.tables.sessions import UploadSession

router = APIRouter(prefix="/api/v1", tags=["uploads"], route_class=IdempotentRoute)

DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]*):")


class SessionOptions(UploadOptions):
    """How to read the file, and what is known of it."""

    size: int | None = Field(default=None, ge=0, description="bytes of the whole file")
    sha256: str | None = Field(
        default=None, pattern="^[0-9a-f]{64}$", description="of the whole file"
    )


class SessionOut(BaseModel):
    id: uuid.UUID
    dataset_id: uuid.UUID
    filename: str
    size: int | None = Field(description="bytes of the whole file, as declared")
    received: int = Field(description="bytes that are safe: go on from here")
    complete: bool = Field(description="the file has become an upload")
    upload_id: uuid.UUID | None
    expires_at: datetime = Field(description="each part that arrives moves it")
    created_at: datetime


def session_out(found: UploadSession) -> dict[str, Any]:
    named = ("id", "dataset_id", "size", "received", "upload_id", "expires_at", "created_at")
    own = {name: getattr(found, name) for name in named}
    done = found.upload_id is not None
    return {**own, "filename": found.options["filename"], "complete": done}


def state_headers(found: UploadSession) -> dict[str, str]:
    state = {
        "Upload-Offset": str(found.received),
        "Upload-Complete": "?1" if found.upload_id else "?0",
        "Upload-Limit": f"max-size={settings.max_upload_bytes}",
        "Cache-Control": "no-store",
    }
    return state if found.size is None else {**state, "Upload-Length": str(found.size)}


def owned_session(session_id: uuid.UUID, workspace: StreamingWorkspaceDep) -> UploadSession:
    """The workspace's session; no connection is held while the endpoint streams."""
    with db.new_session() as session:
        waiting = UploadSession.expires_at > func.now()
        return owned(session, workspace, UploadSession, session_id, waiting)


OwnedSession = Annotated[UploadSession, Depends(owned_session)]


@router.post(
    "/datasets/{dataset_id}/upload-sessions", status_code=201, response_model=SessionOut
)  # fmt: skip
def create_session(
    dataset: DatasetDep,
    session: SessionDep,
    options: Annotated[SessionOptions, Query()],
    response: Response,
) -> dict[str, Any]:
    """Begin a resumable upload. `Location` is where its bytes go, in PATCHes."""
    if (options.size or 0) > settings.max_upload_bytes:
        detail = f"the file is larger than {settings.max_upload_bytes} bytes"
        raise TooLarge(detail, code="upload_too_large")
    sha256 = bytes.fromhex(options.sha256) if options.sha256 else None
    made = resumable.create(session, dataset.id, options.columns(), options.size, sha256)
    response.headers.update(state_headers(made))
    response.headers["Location"] = f"{router.prefix}/upload-sessions/{made.id}"
    return session_out(made)


@router.head("/upload-sessions/{session_id}", status_code=204)
def read_offset(found: OwnedSession) -> Response:
    """`Upload-Offset`: the bytes that are safe. `Upload-Complete: ?1` once it is an upload."""
    return Response(status_code=204, headers=state_headers(found))


@router.get("/upload-sessions/{session_id}", response_model=SessionOut)
def read_session(found: OwnedSession, response: Response) -> dict[str, Any]:
    response.headers.update(state_headers(found))
    return session_out(found)


@router.delete("/upload-sessions/{session_id}", status_code=204)
def drop_session(found: OwnedSession) -> None:
    """Forget an upload and its bytes; what it has become already stays."""
    with db.new_session.begin() as session:
        keys = resumable.drop(session, found.id)
    for key in keys:
        files.remove(key)


@router.patch(
    "/upload-sessions/{session_id}",
    status_code=204,
    response_class=Response,
    responses={
        200: {"model": UploadCreated, "description": "complete: these bytes were here before"},
        202: {"model": UploadCreated, "description": "complete: its ingest job is queued"},
        409: {"description": "`Upload-Offset` is not where the file goes on; the answer's is"},
        423: {"description": "another request completes this upload"},
    },
    openapi_extra={
        "requestBody": {
            "content": {
                "application/partial-upload": {"schema": {"type": "string", "format": "binary"}}
            }
        }
    },
)
async def append(
    request: Request,
    found: OwnedSession,
    upload_offset: Annotated[int, Header(ge=0, le=2**62)],
    upload_complete: Annotated[str | None, Header(pattern=r"^\?[01]$")] = None,
    content_digest: Annotated[str | None, Header(examples=["sha-256=:…:"])] = None,
) -> Response:
    """Append bytes at `Upload-Offset`. What arrived before a connection broke is kept.

    With a `Content-Digest` (sha-256) of these bytes all of them are kept or none. The file is
    complete with `Upload-Complete: ?1` or its declared size; the answer is then that of an upload.
    """
    if upload_offset != found.received:
        raise offset_mismatch(found.received, upload_offset)
    appender = Appender(found.id, upload_offset, digest_of(content_digest))
    offset = upload_offset
    if found.upload_id is None:
        offset = await receive_parts(request, appender, room(found))
    if upload_complete == "?1" or (offset == found.size and upload_complete is None):
        return await run_in_threadpool(complete, found.id)
    headers = {"Upload-Offset": str(offset), "Upload-Complete": "?0"}
    return Response(status_code=204, headers=headers)


def room(found: UploadSession) -> int:
    """Bytes that may still come."""
    size = settings.max_upload_bytes if found.size is None else found.size
    return size - found.received


async def receive_parts(request: Request, appender: Appender, limit: int) -> int:
    """Write the body; the new offset. One that breaks off is kept as far as it came."""
    check_head(request, limit)
    try:
        async for block in blocks(request, limit):
            await run_in_threadpool(appender.write, block)
        return await run_in_threadpool(appender.finish)
    except ServiceError:
        await run_in_threadpool(appender.drop)
        raise
    except BaseException:
        await asyncio.shield(run_in_threadpool(appender.break_off))
        raise


def complete(session_id: uuid.UUID) -> Response:
    """Make the upload, or answer with the one that was made of this session before."""
    with db.new_session.begin() as session:
        done = resumable.complete(session, session_id)
        made = answer(session, done.upload, done.job, done.new)
    for key in done.keys:
        files.remove(key)
    made.headers.update({"Upload-Offset": str(done.upload.size), "Upload-Complete": "?1"})
    return made


def digest_of(field: str | None) -> bytes | None:
    """The sha256 of a Content-Digest field (RFC 9530); other algorithms are not checked."""
    found = DIGEST.search(field or "")
    if found is None:
        return None
    try:
        digest = base64.b64decode(found[1], validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != 32:
        raise BadRequest("Content-Digest holds no sha-256", code="bad_digest")
    return digest
