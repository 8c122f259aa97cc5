"""The preference pair: the unit that is curated."""

import uuid
from typing import Any

from sqlalchemy import ForeignKey, Index, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.datasets import Dataset
from service.tables.jobs import Job
from service.tables.metadata import CreatedAt, RandomId, Table


class PairBuild(Table):
    """A pair policy applied to the labels of a dataset. `ordinal` counts a dataset's builds from 1.

    `labels_sha256` names the uploads whose labels it saw. A later build of the same policy takes
    over the pairs that it builds again: what is left here no longer follows from the labels.
    """

    __tablename__ = "pair_builds"
    __table_args__ = (UniqueConstraint("dataset_id", "ordinal"),)

    id: Mapped[RandomId]
    dataset_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Dataset.id, ondelete="CASCADE"))
    job_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Job.id, ondelete="SET NULL"))
    ordinal: Mapped[int]
    policy: Mapped[dict[str, Any]]  # the whole policy as it ran
    policy_sha256: Mapped[str]
    labels_sha256: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="pending")  # pending | ready | failed
    report: Mapped[dict[str, Any] | None]  # counts, histograms, examples
    created_at: Mapped[CreatedAt]


class Pair(Table):
    """Decided by the majority of one record's comparisons of two responses, or built by a policy.

    `id` hashes the file, the line and the two texts, or the policy, the two responses and what
    speaks for them; `content_id` the unordered pair of texts, so that exact duplicates share it,
    also where their labels contradict each other. `position` orders a dataset's pairs by upload,
    line and place in the line; those of a build come after all uploads.
    """

    __tablename__ = "pairs"
    __table_args__ = (
        UniqueConstraint("dataset_id", "position"),
        Index(None, "dataset_id", "prompt_id"),
        Index(None, "build_id", postgresql_where="build_id IS NOT NULL"),
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
    votes: Mapped[int]  # judgments of these two responses, ties included; 0 for gold answers
    agreement: Mapped[float]  # share of them that say what the pair says, 0..1
    # How far apart the two are in the labels' unit: strength, rating points, ranks.
    margin: Mapped[float | None]
    soft_label: Mapped[float | None]  # P(chosen is better): votes for it and half of the ties, 0..1
    curriculum_stage: Mapped[int | None] = mapped_column(SmallInteger)  # from 1, the easiest first
    build_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(PairBuild.id, ondelete="CASCADE"))
    # Of a pair that a user's own words decide: conversation, turns, and where they say it.
    evidence: Mapped[dict[str, Any] | None]


POSITION_LINE_BITS = 36
POSITION_ORDINAL_BITS = 12
FIRST_BUILD = 1 << 14  # uploads of a dataset count from 1 and stay below, and so do its builds


def position(upload_ordinal: int, line: int, ordinal: int) -> int:
    """Order key of a pair: (upload, line, place in the line) packed into one bigint."""
    return (
        (upload_ordinal << POSITION_LINE_BITS + POSITION_ORDINAL_BITS)
        | (line << POSITION_ORDINAL_BITS)
        | ordinal
    )


def built_position(build_ordinal: int, number: int) -> int:
    """Order key of a build's pair, by its number in the build."""
    shift = POSITION_LINE_BITS + POSITION_ORDINAL_BITS
    return ((FIRST_BUILD + build_ordinal) << shift) | number
