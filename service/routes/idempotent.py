"""Routes whose POSTs honour Idempotency-Key: `APIRouter(route_class=IdempotentRoute)`."""

import hashlib
import uuid
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Header
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service import auth, db
from service.intake import idempotency
from service.intake.idempotency import Claim

KeyHeader = Annotated[
    str | None,
    Header(
        alias=idempotency.HEADER,
        description="any text of your own: the same request again gets the first one's answer",
    ),
]
PARAMETER = {
    "name": idempotency.HEADER, "in": "header", "required": False,
    "description": "any text of your own: the same request again gets the first one's answer",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}  # fmt: skip


class IdempotentRoute(APIRoute):
    """A POST with the header runs in one transaction with the record of its answer."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **rest: Any) -> None:
        if "POST" in (rest.get("methods") or ()):
            extra = dict(rest.get("openapi_extra") or {})
            rest["openapi_extra"] = extra | {
                "parameters": [*extra.get("parameters", []), PARAMETER]
            }
        super().__init__(path, endpoint, **rest)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            key = request.headers.get(idempotency.HEADER)
            if request.method != "POST" or key is None:
                return await handler(request)
            return await handle_once(request, idempotency.checked_key(key), handler)

        return handle


async def handle_once(
    request: Request, key: str, handler: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    body = await request.body()
    given = await api_key(request)
    session = db.new_session()
    try:
        claim, found = await run_in_threadpool(begin, session, given, request, key, body)
        if found is not None:
            return found
        request.state.session = session
        answer = await handler(request)
        await run_in_threadpool(end, session, claim, answer)
    finally:
        await run_in_threadpool(session.close)
    return answer


def begin(
    session: Session, given: str | None, request: Request, key: str, body: bytes
) -> tuple[Claim, Response | None]:
    workspace = auth.workspace_of(session, given)
    claim = claim_of(request, workspace.id, key, hashlib.sha256(body).digest())
    found = idempotency.replay(session, claim)
    return claim, found


def end(session: Session, claim: Claim, answer: Response) -> None:
    idempotency.keep(session, claim, answer)
    session.commit()


async def api_key(request: Request) -> str | None:
    token = await auth.bearer(request)
    return token.credentials if token else await auth.header(request)


def claim_of(request: Request, workspace_id: uuid.UUID, key: str, body_sha256: bytes) -> Claim:
    """The claim of this request; `body_sha256` also where the body was streamed."""
    said = f"{request.url.path}\n{request.url.query}\n".encode("utf-8", "surrogateescape")
    digest = hashlib.sha256(said + body_sha256).digest()
    path: str = request.scope["route"].path
    return Claim(workspace_id, f"{request.method} {path}", key, digest)
