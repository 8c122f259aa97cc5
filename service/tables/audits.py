"""What audits of a dataset's labels were asked for, and what they found."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.datasets import Dataset
from service.tables.jobs import Job
from service.tables.metadata import CreatedAt, RandomId, Table


class Audit(Table):
    """`options` is the validated request; `uploads` the ids of those whose labels were read.

    `summary` is the report without texts and names; `files` maps each file's name to its key,
    sha256 and size. An `erased` audit keeps neither: it had read what was erased since.
    """

    __tablename__ = "audits"

    id: Mapped[RandomId]
    dataset_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Dataset.id, ondelete="CASCADE"), index=True
    )
    job_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Job.id, ondelete="SET NULL"))
    options: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(server_default="pending")  # pending|ready|failed|erased
    uploads: Mapped[list[Any] | None]
    summary: Mapped[dict[str, Any] | None]
    files: Mapped[dict[str, Any] | None]
    created_at: Mapped[CreatedAt]

    @property
    def page_key(self) -> tuple[datetime, uuid.UUID]:
        """Where a page of audits ends."""
        return self.created_at, self.id
