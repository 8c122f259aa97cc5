"""Erase jobs: a source leaves the dataset, its files, and what was exported with it."""

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.duplicates.undoing import forget_author, forget_members
from service.labels.disposal import (
    delete_audits,
    delete_export_files,
    delete_fits,
    delete_upload_file,
    delete_views,
)
from service.labels.erasure import erase, touched_uploads
from service.review.leaving import author_of, erase_verdicts
from service.review.verdicts import hold_verdicts
from service.tables.erasures import Erasure
from service.tables.jobs import Job, JobKind
from service.tables.subsets import Export
from workers.handler import Handler, ShardPlan, Work


class Erasing(Handler):
    """One shard, one transaction. Files go before it commits: a retry finds them gone."""

    kind = JobKind.erase

    def plan(self, session: Session, job: Job, stage: str) -> list[ShardPlan]:
        return [ShardPlan({})]

    def run(self, work: Work) -> None:
        session = work.session
        erasure = session.get_one(Erasure, work.job.spec["erasure_id"])
        held = [(upload, upload.sha256) for upload in touched_uploads(session, erasure)]
        hold_verdicts(session, erasure.dataset_id)
        author = author_of(session, erasure)
        erase(session, erasure)
        gone = erase_verdicts(session, erasure, author)
        erasure.erased = {**(erasure.erased or {}), "verdicts": gone}
        if author is not None:
            forget_author(session, erasure.dataset_id, author)
        forget_members(session, erasure.dataset_id)
        delete_fits(session, erasure.dataset_id)
        delete_views(session, erasure.dataset_id)
        delete_audits(session, erasure.dataset_id, [upload.id for upload, _ in held])
        for upload, sha256 in held:
            delete_upload_file(session, upload, sha256)
        if erasure.exports == "delete":
            ids = [uuid.UUID(each["id"]) for each in (erasure.touched or {})["exports"]]
            exports = session.scalars(select(Export).where(Export.id.in_(ids))).all()
            delete_export_files(session, exports)

    def finish(self, session: Session, job: Job) -> dict[str, Any]:
        erasure = session.get_one(Erasure, job.spec["erasure_id"])
        return {"erased": erasure.erased, "touched": erasure.touched}

    def fail(self, session: Session, job: Job, problem: dict[str, Any]) -> None:
        session.get_one(Erasure, job.spec["erasure_id"]).state = "failed"
