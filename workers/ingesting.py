"""The ingest job: one upload, one shard, one transaction."""

from typing import Any

from sqlalchemy.orm import Session

from service.ingest.store import ingest
from service.tables.datasets import Upload, UploadState
from service.tables.jobs import Job
from workers.handler import ShardPlan, Work

COUNTED = ("rows_in", "accepted", "rejected", "pairs")


class Ingesting:
    """Stage `ingest`. Nothing of a file is visible before all of it is."""

    def plan(self, session: Session, job: Job, stage: str) -> list[ShardPlan]:
        return [ShardPlan({"upload_id": job.spec["upload_id"]})]

    def run(self, work: Work) -> None:
        upload = work.session.get_one(Upload, work.payload["upload_id"])
        if upload.state != UploadState.ingested:
            ingest(work.session, upload, work.report)

    def finish(self, session: Session, job: Job) -> dict[str, Any]:
        upload = session.get_one(Upload, job.spec["upload_id"])
        return {name: getattr(upload, name) for name in COUNTED}

    def fail(self, session: Session, job: Job, problem: dict[str, Any]) -> None:
        upload = session.get_one(Upload, job.spec["upload_id"])
        upload.state, upload.error = UploadState.failed, problem
