"""The what_if job: sketches of what is left of a dataset above any threshold."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.tables.jobs import Job
from service.tables.pairs import Pair
from service.viewer.snapshots import snapshot_of
from service.what_if.stored import build
from workers.handler import ShardPlan, Work


class Sketching:
    """`spec`: fields, one or two."""

    def plan(self, session: Session, job: Job, stage: str) -> list[ShardPlan]:
        count = select(func.count()).where(Pair.dataset_id == job.dataset_id)
        return [ShardPlan({}, session.scalar(count) or 0)]

    def run(self, work: Work) -> None:
        assert work.job.dataset_id is not None
        snapshot = snapshot_of(work.session, work.job.dataset_id)
        made = build(work.session, snapshot, work.job.spec["fields"], work.report)
        work.result = {"sketches": made}

    def finish(self, session: Session, job: Job) -> dict[str, Any] | None:
        """Whoever asked reads the sketch; it has none where the dataset has changed meanwhile."""

    def fail(self, session: Session, job: Job, problem: dict[str, Any]) -> None:
        """Nothing was stored."""
