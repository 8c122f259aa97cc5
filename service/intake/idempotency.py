"""Requests that are done once, however often they are sent: the Idempotency-Key header.

The answer is stored in the transaction of what the request did, so there is no moment in which
one of them is there without the other. An error did nothing: the same key tries again.
"""

import hashlib
import re
import uuid
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import ColumnElement, Interval, delete, func, select
from sqlalchemy.orm import Session
from starlette.datastructures import MutableHeaders
from starlette.responses import Response

from service.config import settings
from service.errors import BadRequest, Conflict, Invalid
from service.tables.sessions import IdempotencyKey

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
ACCEPTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


class Claim(NamedTuple):
    """A key of a workspace on one route (`POST /api/v1/datasets/{dataset_id}/jobs`).

    `request` is the sha256 of path, query and body.
    """

    workspace_id: uuid.UUID
    route: str
    key: str
    request: bytes

    @property
    def lock(self) -> int:
        said = "\n".join((str(self.workspace_id), self.route, self.key)).encode()
        return int.from_bytes(hashlib.sha256(said).digest()[:8], "big", signed=True)


def checked_key(key: str) -> str:
    if not ACCEPTABLE.fullmatch(key):
        detail = f"{HEADER} must be 1 to 255 printable ASCII characters"
        raise BadRequest(detail, code="bad_idempotency_key")
    return key


def once(session: Session, claim: Claim | None, work: Callable[[], Response]) -> Response:
    """The answer of the first such request, or that of `work`, which is kept. The caller commits.

    Raises Conflict while the first one is under way, Invalid where its request was another.
    """
    if claim is None:
        return work()
    found = replay(session, claim)
    if found is not None:
        return found
    answer = work()
    keep(session, claim, answer)
    return answer


def replay(session: Session, claim: Claim) -> Response | None:
    """The answer kept for the key, if there is one; the key is this transaction's until it ends."""
    if not session.scalar(select(func.pg_try_advisory_xact_lock(claim.lock))):
        detail = "the first request with this key is under way"
        raise Conflict(detail, code="in_progress", headers={"Retry-After": "1"})
    session.execute(delete(IdempotencyKey).where(*its_row(claim), expired()))
    row = session.scalar(select(IdempotencyKey).where(*its_row(claim)))
    if row is None:
        return None
    if row.request != claim.request:
        detail = "the key was used for another request: its path, query or body differ"
        raise Invalid(detail, code="idempotency_mismatch")
    answer = Response(row.body, row.status)
    answer.raw_headers = [(name.encode("latin-1"), value.encode("latin-1"))
                          for name, value in row.headers]  # fmt: skip
    MutableHeaders(raw=answer.raw_headers)[REPLAYED] = "true"
    return answer


def keep(session: Session, claim: Claim, answer: Response) -> None:
    """Store the answer. A stream has no bytes to store, and did nothing but read."""
    if not hasattr(answer, "body"):
        return
    headers = [[name.decode("latin-1"), value.decode("latin-1")]
               for name, value in answer.raw_headers]  # fmt: skip
    session.add(
        IdempotencyKey(
            **claim._asdict(), status=answer.status_code, headers=headers, body=bytes(answer.body)
        )
    )
    session.flush()


def its_row(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    row = IdempotencyKey
    return (
        row.workspace_id == claim.workspace_id, row.route == claim.route, row.key == claim.key
    )  # fmt: skip


def expired() -> ColumnElement[bool]:
    seconds = 3600 * settings.idempotency_hours
    age = func.make_interval(0, 0, 0, 0, 0, 0, seconds, type_=Interval())
    return IdempotencyKey.created_at < func.now() - age
