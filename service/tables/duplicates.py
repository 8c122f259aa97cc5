"""Groups of near-duplicates that somebody said are none."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, func, literal_column
from sqlalchemy.orm import Mapped, column_property, mapped_column

from service.tables.datasets import Dataset
from service.tables.metadata import RandomId, Table

FIRST_MEMBERS: ColumnElement[str] = literal_column("'$[0 to 19]'::jsonpath")


class UndoneGroup(Table):
    """What `members` names stays by itself in every grouping of its unit, until it is redone.

    `members` are ids of prompts where the unit is the prompt, else of pairs. `signal` is the
    specification of the grouping in which it was group `number`.
    """

    __tablename__ = "undone_groups"
    __table_args__ = (CheckConstraint("unit IN ('prompt', 'response', 'pair')", name="unit"),)

    id: Mapped[RandomId]
    dataset_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Dataset.id, ondelete="CASCADE"), index=True
    )
    unit: Mapped[str]
    number: Mapped[int]
    signal: Mapped[dict[str, Any]]
    members: Mapped[list[Any]] = mapped_column(deferred=True)  # may be very many
    undone_by: Mapped[str | None]
    undone_at: Mapped[datetime] = mapped_column(server_default=func.now())
    redone_by: Mapped[str | None]
    redone_at: Mapped[datetime | None]

    size: Mapped[int] = column_property(func.jsonb_array_length(members))
    first_members: Mapped[list[Any]] = column_property(
        func.jsonb_path_query_array(members, FIRST_MEMBERS)
    )

    @property
    def page_key(self) -> tuple[datetime, uuid.UUID]:
        """Where a page of undone groups ends."""
        return self.undone_at, self.id
