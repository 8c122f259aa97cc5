"""The preference pair: the unit that is curated."""

import uuid

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.datasets import Dataset
from service.tables.metadata import Table


class Pair(Table):
    """Decided by the majority of one record's comparisons of two responses.

    `id` hashes the file, the line and the two texts; `content_id` the unordered pair of texts,
    so that exact duplicates share it, also where their labels contradict each other.
    `position` orders a dataset's pairs by upload, line and place in the line.
    """

    __tablename__ = "pairs"
    __table_args__ = (
        UniqueConstraint("dataset_id", "position"),
        Index(None, "dataset_id", "prompt_id"),
    )

    dataset_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Dataset.id, ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    position: Mapped[int]
    prompt_id: Mapped[uuid.UUID]
    chosen_id: Mapped[uuid.UUID]
    rejected_id: Mapped[uuid.UUID]
    content_id: Mapped[uuid.UUID]
    upload_id: Mapped[uuid.UUID]
    line: Mapped[int]
    votes: Mapped[int]  # judgments of these two responses, ties included
    agreement: Mapped[float]  # share of them that say what the pair says, in (0, 1]


POSITION_LINE_BITS = 36
POSITION_ORDINAL_BITS = 12


def position(upload_ordinal: int, line: int, ordinal: int) -> int:
    """Order key of a pair: (upload, line, place in the line) packed into one bigint."""
    return (
        (upload_ordinal << POSITION_LINE_BITS + POSITION_ORDINAL_BITS)
        | (line << POSITION_ORDINAL_BITS)
        | ordinal
    )
