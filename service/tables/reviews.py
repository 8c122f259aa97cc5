"""What humans decided on review: an overlay over the labels, which it never changes."""

import uuid

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.datasets import Dataset
from service.tables.metadata import CreatedAt, Table


class Verdict(Table):
    """A verdict on two responses, or the undoing of the version `undoes`; append-only.

    `version` counts a dataset's verdicts from 1. `said` is about `a` and `b`, responses of
    `prompt_id` as the reviewer saw them on a line of an upload. What is `erased` keeps its version
    and nothing of what it was about.
    """

    __tablename__ = "verdicts"
    __table_args__ = (
        CheckConstraint("said IN ('a', 'b', 'tie', 'both_bad')", name="said"),
        CheckConstraint("erased OR (said IS NULL) = (undoes IS NOT NULL)", name="says_or_undoes"),
    )

    dataset_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Dataset.id, ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(primary_key=True)
    said: Mapped[str | None]
    undoes: Mapped[int | None]
    upload_id: Mapped[uuid.UUID | None]
    line: Mapped[int | None]
    prompt_id: Mapped[uuid.UUID | None]
    a: Mapped[uuid.UUID | None]
    b: Mapped[uuid.UUID | None]
    author: Mapped[str | None]
    reason: Mapped[str | None]
    erased: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[CreatedAt]
