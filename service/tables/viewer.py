"""What the read side remembers of a dataset as it was at one moment: it can all be made again."""

import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, Double, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy import Table as Columns
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.datasets import Dataset
from service.tables.metadata import CreatedAt, Table

OWN_COLUMNS = 32  # for scores; the built-in signals have 16


class Snapshot(Table):
    """A dataset's content at one `version`, a hash of what it was made of.

    `anchors` are the positions of every 1,000th pair, so that a row is found by its number.
    `scores` lists the columns of `pair_scores`; `scored` says that those rows are written,
    `worded` that each pair has a row of `pair_words`.
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
    worded: Mapped[bool] = mapped_column(server_default="false")
    statistics: Mapped[list[Any] | None]
    created_at: Mapped[CreatedAt]
    used_at: Mapped[CreatedAt]  # when it was last read, to the minute


class PairScores(Table):
    """The newest scores of a pair side by side, NULL where missing: one narrow row to filter by.

    To read a million of them by three columns takes half the time of three elements of an array;
    `more` holds what there are no columns for.
    """

    __table__ = Columns(
        "pair_scores", Table.metadata,
        Column(
            "snapshot_id", BigInteger, ForeignKey(Snapshot.id, ondelete="CASCADE"),
            primary_key=True,
        ),
        Column("position", BigInteger, primary_key=True, autoincrement=False),
        *(Column(f"s{place}", Double) for place in range(1, OWN_COLUMNS + 1)),
        Column("more", ARRAY(Double)),
    )  # fmt: skip

    if TYPE_CHECKING:
        snapshot_id: Mapped[int]
        position: Mapped[int]
        more: Mapped[list[float | None] | None]


def score_column(place: int) -> str:
    """Where the score of this place (from 1) lies in `pair_scores`."""
    return f"s{place:d}" if place <= OWN_COLUMNS else f"more[{place - OWN_COLUMNS:d}]"


class PairWords(Table):
    """The words of a pair's prompt and answers, for full text: of no snapshot, since a pair's id
    names its texts. A pair that was taken out may leave its row until an erasure."""

    __tablename__ = "pair_words"
    __table_args__ = (Index(None, "dataset_id", "words", postgresql_using="gin"),)

    pair_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    # Second: a dataset's words are read by the other index, not one by one.
    dataset_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Dataset.id, ondelete="CASCADE"), primary_key=True
    )
    words: Mapped[str] = mapped_column(TSVECTOR)


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


class ThresholdSketch(Table):
    """What is left of a snapshot's pairs above any threshold of a field, or of two: a file of
    arrays. `fields` are their names, a line each."""

    __tablename__ = "threshold_sketches"

    snapshot_id: Mapped[int] = mapped_column(
        ForeignKey(Snapshot.id, ondelete="CASCADE"), primary_key=True
    )
    fields: Mapped[str] = mapped_column(primary_key=True)
    content: Mapped[bytes]
