"""Around every request: its id, one line in the log, safe headers, a limit to its body."""

import re
import time
import uuid

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.config import MIB

log = structlog.get_logger(__name__)

REQUEST_ID = "X-Request-ID"
ACCEPTABLE = re.compile(r"[\w.:-]{1,128}")
STREAMED = re.compile(
    r"/api/v1/(datasets/[^/]+/uploads|upload-sessions/[^/]+)"
)  # have a limit of their own
BENCHMARKS = re.compile(
    r"/api/v1/(datasets/[^/]+/(contamination|subsets|jobs)|exports/(replay|[^/]+/compare))"
)
QUIET = {"/healthz", "/readyz", "/metrics"}


class RequestContext:
    """Takes the caller's X-Request-ID or makes one; logs and jobs of the request carry it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if ACCEPTABLE.fullmatch(given) else uuid.uuid4().hex
        began, status = time.perf_counter(), 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                headers.setdefault("X-Content-Type-Options", "nosniff")
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, send_with_headers)
            finally:
                if scope["path"] not in QUIET:
                    milliseconds = round(1000 * (time.perf_counter() - began), 1)
                    log.info(
                        "request", method=scope["method"], path=scope["path"], status=status,
                        milliseconds=milliseconds,
                    )  # fmt: skip


class BodyLimit:
    """At most 1 MiB, 16 where texts of benchmarks may be in it, but for uploads: a JSON body is
    held in memory."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        received, path = 0, scope.get("path", "")
        limit = 16 * MIB if BENCHMARKS.fullmatch(path) else MIB

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:  # an HTTPException passes through FastAPI's parsing of the body
                raise HTTPException(413, too_large(path, limit))
            return message

        limited = scope["type"] == "http" and not STREAMED.fullmatch(path)
        await self.app(scope, receive_limited if limited else receive, send)


def too_large(path: str, limit: int) -> str:
    """What the limit is, and how to do without so large a body."""
    around = "send data as an upload: POST /api/v1/datasets/{id}/uploads takes a file of any size"
    if path.endswith("/contamination"):
        around = (
            "ask in parts, or `prefsift contamination FILE --against BENCHMARK`, which reads files "
            "and needs no server"
        )
    return f"the body is larger than {limit:,} bytes ({limit // MIB} MiB): {around}"
