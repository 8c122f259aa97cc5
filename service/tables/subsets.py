"""Subsets (ordered, immutable selections with reasons) and exports."""

import uuid
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.datasets import Dataset
from service.tables.jobs import Job
from service.tables.metadata import CreatedAt, RandomId, Table


class Subset(Table):
    """A recipe applied to pairs of a dataset, or other subsets put together.

    `asked` says what it was to be made of besides the recipe (`composing.asked.Asked`), `manifest`
    what came of it: score identities, fits, counts. Only `tags` change afterwards.
    """

    __tablename__ = "subsets"

    id: Mapped[RandomId]
    dataset_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Dataset.id, ondelete="CASCADE"), index=True
    )
    job_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Job.id, ondelete="SET NULL"))
    recipe: Mapped[dict[str, Any]]  # the whole recipe as it ran
    recipe_sha256: Mapped[str]
    asked: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    tags: Mapped[list[Any]] = mapped_column(server_default="[]")
    budget: Mapped[str]  # as `curation.recipes.Budget` writes it
    seed: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="pending")  # pending | ready | failed
    size: Mapped[int | None]
    pool: Mapped[int | None]  # pairs that could have been selected
    manifest: Mapped[dict[str, Any] | None]
    evaluation: Mapped[dict[str, Any] | None]
    created_at: Mapped[CreatedAt]


class SubsetItem(Table):
    """Every pair of the pool: kept with its rank (from 1), or dropped with the reason."""

    __tablename__ = "subset_items"
    __table_args__ = (
        CheckConstraint("(rank IS NOT NULL) = (reason = 'selected')", name="rank_if_selected"),
        Index(None, "subset_id", "rank", unique=True, postgresql_where="rank IS NOT NULL"),
    )

    subset_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Subset.id, ondelete="CASCADE"), primary_key=True
    )
    pair_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    position: Mapped[int]  # the pair's, for keyset pages over all items
    rank: Mapped[int | None]
    importance: Mapped[float | None]
    reason: Mapped[str]
    share: Mapped[float | None]  # of the seeds that keep the pair, 0..1; NULL where one was asked


class Export(Table):
    """A folder of files made from a subset; `files` maps each path to sha256 and size."""

    __tablename__ = "exports"

    id: Mapped[RandomId]
    subset_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Subset.id, ondelete="CASCADE"), index=True
    )
    job_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Job.id, ondelete="SET NULL"))
    layout: Mapped[str]
    options: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(server_default="pending")  # pending | ready | failed
    rows: Mapped[int | None]
    files: Mapped[dict[str, Any] | None]
    created_at: Mapped[CreatedAt]
