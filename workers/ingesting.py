"""The ingest job: one upload, one shard, one transaction."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from service.ingest.store import ingest
from service.tables.datasets import Upload, UploadState
from service.tables.jobs import Job
from workers.handler import ShardPlan, Work

MANY = 10_000  # rows; what fewer do to the tables' statistics is waited out
STATISTICS = text(
    "ANALYZE prompts, responses, records, comparisons, ratings, rankings, feedback, pairs"
)
COUNTED = ("rows_in", "accepted", "rejected", "pairs")


class Ingesting:
    """Stage `ingest`. Nothing of a file is visible before all of it is."""

    def plan(self, session: Session, job: Job, stage: str) -> list[ShardPlan]:
        return [ShardPlan({"upload_id": job.spec["upload_id"]})]

    def run(self, work: Work) -> None:
        upload = work.session.get_one(Upload, work.payload["upload_id"])
        if upload.state != UploadState.ingested:
            ingest(work.session, upload, work.report)
            if upload.accepted is not None and upload.accepted >= MANY:
                # Until the server does so by itself, in a minute, a join of what were small
                # tables is planned as a loop: 100,000 rows then take hours.
                work.session.execute(STATISTICS)

    def finish(self, session: Session, job: Job) -> dict[str, Any]:
        upload = session.get_one(Upload, job.spec["upload_id"])
        return {name: getattr(upload, name) for name in COUNTED}

    def fail(self, session: Session, job: Job, problem: dict[str, Any]) -> None:
        upload = session.get_one(Upload, job.spec["upload_id"])
        upload.state, upload.error = UploadState.failed, problem
