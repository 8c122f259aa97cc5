"""What a job kind implements: plan a stage, run a shard of it, finish or fail the job."""

from typing import Any, NamedTuple, Protocol

from sqlalchemy.orm import Session

from service.tables.jobs import Job
from workers.lease import Cancelled, Interrupted, LeaseLost, Paused, Work

__all__ = ["Cancelled", "Handler", "Interrupted", "LeaseLost", "Paused", "ShardPlan", "Work"]


class ShardPlan(NamedTuple):
    """A part of a stage that one worker does. `payload` is JSON; ids and ranges, never data."""

    payload: dict[str, Any]
    rows: int = 0
    queue: str = "cpu"


class Handler(Protocol):
    """One job kind. No method commits; `Work.checkpoint` does.

    A ServiceError ends the job at once with its problem as the job's error; any other exception
    sends the shard back, and ends the job at the third attempt.
    """

    def plan(self, session: Session, job: Job, stage: str) -> list[ShardPlan]:
        """The shards of a stage, in the transaction that opens it; none: the stage is skipped."""
        ...

    def run(self, work: Work) -> None:
        """Do a shard. May be called again for the same shard: do what is not done yet.

        What is left uncommitted at the end is committed with the shard's completion.
        """

    def finish(self, session: Session, job: Job) -> dict[str, Any] | None:
        """After the last stage, in the transaction that sets `succeeded`; the job's result."""

    def fail(self, session: Session, job: Job, problem: dict[str, Any]) -> None:
        """The job failed or was cancelled (code `cancelled`): mark what it was making."""
