"""Datasets, the files uploaded to them, and the lines that could not be taken."""

import uuid
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.access import Workspace
from service.tables.metadata import CreatedAt, RandomId, Table


class UploadState(StrEnum):
    """`stored`: the bytes are safe and the ingest job is on its way.

    `withdrawn`: its labels take no part in anything new; `erased`: only this row is left.
    """

    stored = "stored"
    ingested = "ingested"
    failed = "failed"
    withdrawn = "withdrawn"
    erased = "erased"


class Dataset(Table):
    __tablename__ = "datasets"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    id: Mapped[RandomId]
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"))
    name: Mapped[str]
    license: Mapped[str | None]
    created_at: Mapped[CreatedAt]


class Upload(Table):
    """One file. `ordinal` counts a dataset's uploads from 1; the same bytes are one upload."""

    __tablename__ = "uploads"
    __table_args__ = (
        UniqueConstraint("dataset_id", "ordinal"),
        Index(
            "uploads_dataset_id_sha256_key",
            "dataset_id",
            "sha256",
            unique=True,
            postgresql_where=text("state <> 'failed'"),
        ),
    )

    id: Mapped[RandomId]
    dataset_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Dataset.id, ondelete="CASCADE"))
    ordinal: Mapped[int]
    filename: Mapped[str]
    sha256: Mapped[bytes]
    size: Mapped[int]
    layout: Mapped[str | None]  # as asked for, then as recognised
    mapping: Mapped[dict[str, Any] | None]  # our column -> theirs, before the layout reads a row
    mode: Mapped[str] = mapped_column(server_default="partial")  # partial | atomic
    on_nul: Mapped[str] = mapped_column(server_default="reject")  # reject | replace
    decide: Mapped[str] = mapped_column(server_default="majority")  # majority | none: no pairs
    state: Mapped[UploadState] = mapped_column(server_default=UploadState.stored)
    rows_in: Mapped[int | None]
    accepted: Mapped[int | None]
    rejected: Mapped[int | None]
    pairs: Mapped[int | None]
    error: Mapped[dict[str, Any] | None]
    created_at: Mapped[CreatedAt]


class Reject(Table):
    """A row that could not be taken: where, why, and the raw text (bytes, cut at 1 MiB)."""

    __tablename__ = "rejects"

    upload_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Upload.id, ondelete="CASCADE"), primary_key=True
    )
    line: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    field: Mapped[str | None]
    message: Mapped[str]
    raw: Mapped[bytes]
