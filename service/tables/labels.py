"""Raw judgments, append-only: what each annotator said, and on which line of which upload."""

import uuid
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.datasets import Upload
from service.tables.metadata import Table


class Outcome(StrEnum):
    """About the ids `a` and `b`, not about the order shown."""

    a = "a"
    b = "b"
    tie = "tie"
    both_bad = "both_bad"


class Annotator(Table):
    """human, model or rule; `id` is the hash of kind and name, unique within the dataset."""

    __tablename__ = "annotators"

    dataset_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]

    __table_args__ = (ForeignKeyConstraint(["dataset_id"], ["datasets.id"], ondelete="CASCADE"),)


class Judgment:
    """The columns that every kind of label has: its provenance, annotator and aspect."""

    upload_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey(Upload.id, ondelete="CASCADE"), primary_key=True
    )
    line: Mapped[int] = mapped_column(primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)  # within the line, from 0
    part: Mapped[int] = mapped_column(SmallInteger, server_default="0")  # of the line's records
    dataset_id: Mapped[uuid.UUID]
    annotator_id: Mapped[uuid.UUID | None]
    aspect: Mapped[str | None]
    rationale: Mapped[str | None]


class Comparison(Judgment, Table):
    __tablename__ = "comparisons"

    a: Mapped[uuid.UUID]
    b: Mapped[uuid.UUID]
    outcome: Mapped[Outcome]
    strength: Mapped[float | None]
    shown: Mapped[str | None]  # ab | ba


class Rating(Judgment, Table):
    """A value on its scale; a thumb is a rating on 0..1. `turn` indexes the prompt's messages."""

    __tablename__ = "ratings"

    response_id: Mapped[uuid.UUID | None]
    turn: Mapped[int | None]
    value: Mapped[float]
    scale_low: Mapped[float | None]
    scale_high: Mapped[float | None]


class Ranking(Judgment, Table):
    """Tiers of response ids, best first; ties share a tier, and a ranking may be partial."""

    __tablename__ = "rankings"

    tiers: Mapped[list[Any]]


class Feedback(Judgment, Table):
    """What a user's turn says about the answer before it."""

    __tablename__ = "feedback"

    turn: Mapped[int]
    kind: Mapped[str | None]
    label: Mapped[str | None]
    text: Mapped[str | None]
