"""Limits to how slowly a request may come: else a few idle clients hold every connection.

`uvicorn service.app:app --http service.intake.patience:PatientProtocol` limits the head, too.
"""

import asyncio
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from service.config import settings

BYTES = 20 << 10  # of a body that must come within `patience_seconds`


class PatientProtocol(AutoHTTPProtocol):
    """Closes a connection on which no head of a request is complete in time."""

    cycle: Any  # of the request: both of uvicorn's protocols have it
    transport: Any

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.in_request():
            self.stop_waiting()
        elif self.waiting is None:
            self.wait()  # for the next head on the same connection

    def connection_lost(self, exc: Exception | None) -> None:
        self.stop_waiting()
        super().connection_lost(exc)

    def in_request(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def wait(self) -> None:
        loop = asyncio.get_running_loop()
        self.waiting = loop.call_later(settings.patience_seconds, self.give_up)

    def stop_waiting(self) -> None:
        if self.waiting is not None:
            self.waiting.cancel()
            self.waiting = None

    def give_up(self) -> None:
        self.waiting = None
        if not self.in_request():
            self.transport.close()


class BodyPatience:
    """408 for a body of which less than `BYTES` come in `patience_seconds` of waiting for it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        left, came, ended = settings.patience_seconds, 0, False

        async def receive_in_time() -> Message:
            nonlocal left, came, ended
            if ended:  # nothing but the client's leaving is waited for
                return await receive()
            began = loop.time()
            try:
                async with asyncio.timeout(left):
                    message = await receive()
            except TimeoutError:
                ended = True
                raise HTTPException(408, "the body comes too slowly") from None
            left -= loop.time() - began
            came += len(message.get("body", b""))
            if came >= BYTES:
                left, came = settings.patience_seconds, 0
            ended = not message.get("more_body", False)
            return message

        await self.app(scope, receive_in_time, send)
