"""What was erased from a dataset, and what had been made with it."""

import uuid
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.datasets import Dataset
from service.tables.jobs import Job
from service.tables.metadata import CreatedAt, RandomId, Table


class Erasure(Table):
    """An upload or an annotator, by id: nothing here tells what was erased.

    `erased` counts rows by table; `touched` lists the subsets, exports and pair builds that had
    used some of them, each with how many of its pairs.
    """

    __tablename__ = "erasures"

    id: Mapped[RandomId]
    dataset_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Dataset.id, ondelete="CASCADE"), index=True
    )
    job_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Job.id, ondelete="SET NULL"))
    source: Mapped[str]  # upload | annotator
    source_id: Mapped[uuid.UUID]
    exports: Mapped[str]  # delete | keep: their files
    state: Mapped[str] = mapped_column(server_default="pending")  # pending | done | failed
    erased: Mapped[dict[str, Any] | None]
    touched: Mapped[dict[str, Any] | None]
    created_at: Mapped[CreatedAt]
