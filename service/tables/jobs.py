"""Jobs and their shards: the truth about work. The broker is only a doorbell."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Index, ScalarSelect, UniqueConstraint, func, select, text
from sqlalchemy.orm import InstrumentedAttribute, Mapped, column_property, mapped_column

from service.tables.access import Workspace
from service.tables.datasets import Dataset
from service.tables.metadata import CreatedAt, RandomId, Table


class JobKind(StrEnum):
    ingest = "ingest"
    score = "score"
    select = "select"
    evaluate = "evaluate"
    export = "export"
    fetch = "fetch"
    pair_build = "pair_build"
    erase = "erase"
    embed_text = "embed_text"
    audit = "audit"
    index_words = "index_words"
    advise = "advise"
    what_if = "what_if"


class JobState(StrEnum):
    queued = "queued"
    running = "running"
    paused = "paused"
    succeeded = "succeeded"
    failed = "failed"
    cancelled = "cancelled"


FINAL_STATES = (JobState.succeeded, JobState.failed, JobState.cancelled)


class ShardState(StrEnum):
    waiting = "waiting"
    leased = "leased"
    done = "done"
    failed = "failed"


class Job(Table):
    """`spec` is the validated request; `stages` names its stages, `stage` counts the ended ones."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index(
            "jobs_unfinished_idx",
            "rung_at",
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
        Index(None, "workspace_id", "created_at"),
    )

    id: Mapped[RandomId]
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"))
    dataset_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey(Dataset.id, ondelete="CASCADE"), index=True
    )
    kind: Mapped[JobKind]
    spec: Mapped[dict[str, Any]]
    state: Mapped[JobState] = mapped_column(server_default=JobState.queued)
    stages: Mapped[list[Any]]
    stage: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[dict[str, Any] | None]
    result: Mapped[dict[str, Any] | None]
    request_id: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    rung_at: Mapped[datetime | None]  # when its doorbell was last sent

    @property
    def page_key(self) -> tuple[datetime, uuid.UUID]:
        """Where a page of jobs ends."""
        return self.created_at, self.id

    if TYPE_CHECKING:  # mapped below, where the shards are known
        rows_done: Mapped[int]
        rows_total: Mapped[int]


class Shard(Table):
    """A part of one stage. `lease_token` fences: a writer who lost the lease can't commit."""

    __tablename__ = "shards"
    __table_args__ = (
        UniqueConstraint("job_id", "stage", "ordinal"),
        Index(
            "shards_open_idx",
            "job_id",
            "stage",
            postgresql_where=text("state IN ('waiting', 'leased')"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Job.id, ondelete="CASCADE"))
    stage: Mapped[int]
    ordinal: Mapped[int]
    queue: Mapped[str] = mapped_column(server_default="cpu")
    payload: Mapped[dict[str, Any]]
    state: Mapped[ShardState] = mapped_column(server_default=ShardState.waiting)
    attempts: Mapped[int] = mapped_column(server_default="0")
    lease_token: Mapped[uuid.UUID | None]
    lease_until: Mapped[datetime | None]
    rows_total: Mapped[int] = mapped_column(server_default="0")
    rows_done: Mapped[int] = mapped_column(server_default="0")
    result: Mapped[dict[str, Any] | None]  # small numbers that the job's end puts together
    error: Mapped[dict[str, Any] | None]


def over_shards(column: InstrumentedAttribute[int]) -> ScalarSelect[int]:
    own = select(func.coalesce(func.sum(column), 0)).where(Shard.job_id == Job.id)
    return own.correlate_except(Shard).scalar_subquery()


# Of the stages that were opened so far; loaded where they are asked for.
Job.rows_done = column_property(over_shards(Shard.rows_done), deferred=True, group="progress")
Job.rows_total = column_property(over_shards(Shard.rows_total), deferred=True, group="progress")
