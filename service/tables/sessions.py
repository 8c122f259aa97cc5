"""Resumable uploads: what has arrived of a file so far, and the answers to keyed requests."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.access import Workspace
from service.tables.datasets import Dataset, Upload
from service.tables.metadata import CreatedAt, RandomId, Table


class UploadSession(Table):
    """A file on its way in. `received` bytes are safe; `upload_id` is set once all of it is."""

    __tablename__ = "upload_sessions"
    __table_args__ = (Index(None, "expires_at"),)

    id: Mapped[RandomId]
    dataset_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Dataset.id, ondelete="CASCADE"), index=True
    )
    options: Mapped[dict[str, Any]]  # of the upload that it becomes
    size: Mapped[int | None]  # as declared
    sha256: Mapped[bytes | None]  # as declared, of the whole file
    received: Mapped[int] = mapped_column(server_default="0")
    upload_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey(Upload.id, ondelete="CASCADE"), index=True
    )
    expires_at: Mapped[datetime]
    created_at: Mapped[CreatedAt]


class UploadPart(Table):
    """Bytes `start` to `start + size` of a session's file, under `key` in the file store."""

    __tablename__ = "upload_parts"

    session_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(UploadSession.id, ondelete="CASCADE"), primary_key=True
    )
    start: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int]
    key: Mapped[str] = mapped_column(unique=True)


class IdempotencyKey(Table):
    """The answer to a POST that carried this key, written with what the POST did.

    `request` is the sha256 of path, query and body: another request must not use the key.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "created_at"),)

    workspace_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Workspace.id, ondelete="CASCADE"), primary_key=True
    )
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[bytes]
    status: Mapped[int]
    headers: Mapped[list[Any]]  # [name, value]
    body: Mapped[bytes]
    created_at: Mapped[CreatedAt]
