"""The body of a request that carries a file: on disk, hashed, within its limits."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from service import db, files
from service.auth import StreamingWorkspaceDep
from service.config import settings
from service.errors import BadRequest, TooLarge, UnsupportedFile
from service.routes.owned import owned
from service.tables.datasets import Dataset


def streaming_dataset(dataset_id: uuid.UUID, workspace: StreamingWorkspaceDep) -> Dataset:
    """The workspace's dataset; no connection is held while the endpoint streams."""
    with db.new_session() as session:
        return owned(session, workspace, Dataset, dataset_id)


StreamingDatasetDep = Annotated[Dataset, Depends(streaming_dataset)]


async def receive(request: Request) -> files.Incoming:
    """The body as a file. Nothing stays of one that is too large or breaks off."""
    limit = settings.max_upload_bytes
    check_head(request, limit)
    incoming = await run_in_threadpool(files.Incoming)
    try:
        async for block in blocks(request, limit):
            await run_in_threadpool(incoming.write, block)
    except ClientDisconnect:
        await asyncio.shield(run_in_threadpool(incoming.drop))
        raise BadRequest("the upload broke off", code="upload_broke_off") from None
    except BaseException:
        await asyncio.shield(run_in_threadpool(incoming.drop))
        raise
    return incoming


def check_head(request: Request, limit: int) -> None:
    """Refuse by its head what need not be read. Raises TooLarge or UnsupportedFile."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise too_large(limit)
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        detail = "send the file itself as the body, not a form: curl --data-binary @FILE"
        raise UnsupportedFile(detail, code="multipart_not_read")


async def blocks(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body in steps of about a MiB; of one that breaks off, first what had arrived.

    Raises TooLarge past the limit, ClientDisconnect or HTTPException where it breaks off.
    """
    waiting, seen = bytearray(), 0
    try:
        async for block in request.stream():
            seen += len(block)
            if seen > limit:
                raise too_large(limit)
            waiting += block
            if len(waiting) >= files.BLOCK:
                yield bytes(waiting)
                waiting.clear()
    except (ClientDisconnect, HTTPException):
        yield bytes(waiting)
        raise
    yield bytes(waiting)


def too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than {limit} bytes", code="upload_too_large")
