"""What the read side remembers of a dataset as it was at one moment: it can all be made again."""

import uuid
from typing import Any

from sqlalchemy import Double, ForeignKey, Identity, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.datasets import Dataset
from service.tables.metadata import CreatedAt, Table


class Snapshot(Table):
    """A dataset's content at one `version`, a hash of what it was made of.

    `anchors` are the positions of every 1,000th pair, so that a row is found by its number.
    `scores` lists the columns of `pair_scores.values`; `scored` says that those rows are written.
    """

    __tablename__ = "snapshots"
    __table_args__ = (UniqueConstraint("dataset_id", "version"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    dataset_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Dataset.id, ondelete="CASCADE"))
    version: Mapped[str]
    rows: Mapped[int]
    anchors: Mapped[list[Any]]
    scores: Mapped[list[Any]]
    scored: Mapped[bool] = mapped_column(server_default="false")
    statistics: Mapped[list[Any] | None]
    created_at: Mapped[CreatedAt]
    used_at: Mapped[CreatedAt]  # when it was last read, to the minute


class PairScores(Table):
    """The newest scores of a pair side by side, NULL where missing: one narrow row to filter by."""

    __tablename__ = "pair_scores"

    snapshot_id: Mapped[int] = mapped_column(
        ForeignKey(Snapshot.id, ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    values: Mapped[list[float]] = mapped_column(ARRAY(Double))


class ParquetShard(Table):
    """A Parquet file of consecutive rows, in the file store by its content."""

    __tablename__ = "parquet_shards"

    snapshot_id: Mapped[int] = mapped_column(
        ForeignKey(Snapshot.id, ondelete="CASCADE"), primary_key=True
    )
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    rows: Mapped[int]
    size: Mapped[int]  # bytes of the file
    memory: Mapped[int]  # bytes of Arrow data
    sha256: Mapped[str]
    key: Mapped[str]
