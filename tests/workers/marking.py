"""A job kind whose shards leave marks in a table: what ran, and how often, is seen from there."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from service.tables.jobs import Job, JobKind, Shard
from workers import protocol
from workers.handler import ShardPlan, Work

BOTH = ("cpu", "gpu")
PAST = text("clock_timestamp() - interval '1 minute'")


class Marking:
    """Each shard writes rows into a table of its own, in two batches; a hook runs between them."""

    def __init__(self, stages: dict[str, list[ShardPlan]]) -> None:
        self.stages = stages
        self.between: Callable[[Work], None] = lambda _: None
        self.failed: list[str] = []

    def plan(self, session: Session, job: Job, stage: str) -> list[ShardPlan]:
        return self.stages[stage]

    def run(self, work: Work) -> None:
        for batch in (0, 1):
            work.session.execute(
                text("INSERT INTO marks VALUES (:stage, :name, :batch) ON CONFLICT DO NOTHING"),
                {"stage": work.stage, "name": work.payload["name"], "batch": batch},
            )
            if batch == 1:
                self.between(work)
            work.checkpoint(1)
        work.result = {"name": work.payload["name"]}

    def finish(self, session: Session, job: Job) -> dict[str, Any]:
        return {"marks": len(marks(session))}

    def fail(self, session: Session, job: Job, problem: dict[str, Any]) -> None:
        self.failed.append(problem["code"])


def shards(*names: str, queue: str = "cpu") -> list[ShardPlan]:
    return [ShardPlan({"name": name}, 2, queue) for name in names]


def marks(session: Session) -> list[tuple[str, str, int]]:
    return [tuple(row) for row in session.execute(text("SELECT * FROM marks ORDER BY 1, 2, 3"))]


def run(job: Job, handler: Marking, queues: tuple[str, ...] = BOTH) -> None:
    protocol.run_job(job.id, queues, {JobKind.score: handler})


def open_shards(session: Session, job: Job, stage: int = 0) -> list[Shard]:
    query = select(Shard).where(Shard.job_id == job.id, Shard.stage == stage)
    rows = session.scalars(
        query.order_by(Shard.ordinal), execution_options={"populate_existing": True}
    )
    return list(rows)


def open_first_stage(job: Job, handler: Marking) -> None:
    assert protocol.run_next(job.id, BOTH, handler)


def expire(session: Session, shard_id: int) -> None:
    session.execute(update(Shard).where(Shard.id == shard_id).values(lease_until=PAST))
    session.commit()
