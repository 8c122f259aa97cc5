"""Saved views: filters of a dataset by name."""

import uuid
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.datasets import Dataset
from service.tables.metadata import CreatedAt, Table


class View(Table):
    """`where` is the filter's JSON tree; NULL keeps every pair."""

    __tablename__ = "views"

    dataset_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Dataset.id, ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    where: Mapped[dict[str, Any] | None]
    orderby: Mapped[str | None]
    created_at: Mapped[CreatedAt]
