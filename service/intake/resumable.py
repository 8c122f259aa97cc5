"""Resumable uploads: parts that arrive one after the other, and the upload they become.

Follows draft-ietf-httpbis-resumable-upload. A part counts once it is durable and the session's
`received` has moved, in one step; of two that start at the same place, one wins.
"""

import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Interval, delete, func, select, update
from sqlalchemy.orm import Session

from service import db, files
from service.config import settings
from service.errors import Conflict, Invalid, Locked, NotFound
from service.intake.take import ingest_job, take
from service.tables.datasets import Upload
from service.tables.jobs import Job
from service.tables.sessions import UploadPart, UploadSession

PART_BYTES = 16 << 20  # that may be lost when the server is killed within a long part


class Completed(NamedTuple):
    """`keys`: files to remove once this is committed. `new`: not the bytes of an earlier upload."""

    upload: Upload
    job: Job
    new: bool
    keys: Sequence[str]


def expiry() -> ColumnElement[datetime]:
    """When a session that is written now runs out."""
    return func.now() + func.make_interval(
        0, 0, 0, 0, 0, 0, 3600 * settings.resumable_hours, type_=Interval()
    )


def create(
    session: Session,
    dataset_id: uuid.UUID,
    options: dict[str, Any],
    size: int | None,
    sha256: bytes | None,
) -> UploadSession:
    made = UploadSession(
        dataset_id=dataset_id, options=options, size=size, sha256=sha256, expires_at=expiry()
    )
    session.add(made)
    session.flush()
    session.refresh(made)
    return made


def offset_mismatch(expected: int, given: int) -> Conflict:
    return Conflict(
        f"the next byte that is missing is {expected}, not {given}",
        code="offset_mismatch",
        headers={"Upload-Offset": str(expected), "Upload-Complete": "?0"},
        expected_offset=expected,
        provided_offset=given,
    )


class Appender:
    """Writes a request's bytes as parts of a session, from `start` on.

    With a digest (sha256 of all these bytes) all of them count or none does.
    """

    def __init__(self, session_id: uuid.UUID, start: int, digest: bytes | None) -> None:
        self.session_id, self.start, self.digest = session_id, start, digest
        self.incoming: files.Incoming | None = None

    def write(self, block: bytes) -> None:
        self.incoming = self.incoming or files.Incoming()
        self.incoming.write(block)
        if self.digest is None and self.incoming.size >= PART_BYTES:
            self.keep()

    def finish(self) -> int:
        """The session's new offset. Raises Invalid where the digest is another."""
        found = self.incoming.digest if self.incoming else hashlib.sha256()
        if self.digest is not None and found.digest() != self.digest:
            self.drop()
            raise Invalid("the bytes are not those of the digest", code="digest_mismatch")
        self.keep()
        return self.start

    def break_off(self) -> None:
        """Keep what has arrived, unless only all of it could be checked."""
        if self.digest is None:
            self.keep()
        else:
            self.drop()

    def keep(self) -> None:
        incoming, self.incoming = self.incoming, None
        if incoming is None:
            return
        if incoming.size == 0:
            incoming.drop()
            return
        try:
            incoming.close()
            self.start = add_part(self.session_id, self.start, incoming)
        except BaseException:
            incoming.drop()
            raise

    def drop(self) -> None:
        if self.incoming is not None:
            self.incoming.drop()
            self.incoming = None


def add_part(session_id: uuid.UUID, start: int, incoming: files.Incoming) -> int:
    """Count a durable part that starts where the session ends; the new offset.

    Raises Conflict where it does not, NotFound where the session is gone.
    """
    is_next = (
        UploadSession.id == session_id,
        UploadSession.received == start,
        UploadSession.upload_id.is_(None),
    )
    with db.new_session.begin() as session:
        received = session.scalar(
            update(UploadSession)
            .where(*is_next)
            .values(received=start + incoming.size, expires_at=expiry())
            .returning(UploadSession.received)
        )
        if received is None:
            found = session.get(UploadSession, session_id)
            if found is None:
                raise NotFound(f"no upload session {session_id}")
            raise offset_mismatch(found.received, start)
        session.add(
            UploadPart(
                session_id=session_id, start=start, size=incoming.size, key=incoming.key
            )
        )  # fmt: skip
    return received


def complete(session: Session, session_id: uuid.UUID) -> Completed:
    """Put the parts together and take them as an upload; the caller commits.

    Raises Locked while another request does it, Invalid where bytes are missing or wrong.
    """
    held = session.scalar(
        select(UploadSession)
        .where(UploadSession.id == session_id)
        .with_for_update(skip_locked=True)
    )
    if held is None:
        if session.get(UploadSession, session_id) is None:
            raise NotFound(f"no upload session {session_id}")
        detail = "another request completes this upload"
        raise Locked(detail, code="upload_locked", headers={"Retry-After": "1"})
    if held.upload_id is not None:
        upload = session.get_one(Upload, held.upload_id)
        return Completed(upload, ingest_job(session, upload), False, ())
    if held.size is not None and held.received != held.size:
        detail = f"{held.received} of {held.size} bytes have arrived"
        raise Invalid(detail, code="upload_incomplete")
    parts = select(UploadPart).where(UploadPart.session_id == session_id)
    keys = [part.key for part in session.scalars(parts.order_by(UploadPart.start))]
    incoming = assembled(keys)
    try:
        if held.sha256 is not None and incoming.digest.digest() != held.sha256:
            raise Invalid("the file is not the one of the digest", code="digest_mismatch")
        upload, job, new = take(session, held.dataset_id, held.options, incoming)
    except BaseException:
        incoming.drop()
        raise
    held.upload_id = upload.id
    session.execute(delete(UploadPart).where(UploadPart.session_id == session_id))
    return Completed(upload, job, new, keys)


def assembled(keys: Sequence[str]) -> files.Incoming:
    """The parts as one file."""
    incoming = files.Incoming()
    try:
        for key in keys:
            with files.open(key) as part:
                while block := part.read(files.BLOCK):
                    incoming.write(block)
    except BaseException:
        incoming.drop()
        raise
    return incoming


def drop(session: Session, session_id: uuid.UUID) -> Sequence[str]:
    """Forget the session; the keys of the files to remove once this is committed."""
    parts = select(UploadPart.key).where(UploadPart.session_id == session_id)
    keys = session.scalars(parts).all()
    session.execute(delete(UploadSession).where(UploadSession.id == session_id))
    return keys
