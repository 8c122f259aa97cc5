"""The pair build job: one policy over a dataset's labels, one shard, one transaction."""

import uuid
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.labels.pair_builds import build
from service.tables.items import Prompt
from service.tables.jobs import Job
from service.tables.pairs import PairBuild
from workers.handler import ShardPlan, Work


class Pairing:
    """Stage `pairs`; its rows are prompts. None of the pairs is visible before all of them are."""

    def plan(self, session: Session, job: Job, stage: str) -> list[ShardPlan]:
        prompts = select(func.count()).where(Prompt.dataset_id == job.dataset_id)
        return [ShardPlan({}, rows=session.scalar(prompts) or 0)]

    def run(self, work: Work) -> None:
        made = build_of(work.session, work.job)
        if made.state != "ready":
            build(work.session, made, work.report)

    def finish(self, session: Session, job: Job) -> dict[str, Any]:
        made = build_of(session, job)
        report = made.report or {}
        counts = ("prompts", "prompts_paired", "pairs", "ties", "added", "already_there")
        return {"build_id": str(made.id), **{name: report[name] for name in counts}}

    def fail(self, session: Session, job: Job, problem: dict[str, Any]) -> None:
        build_of(session, job).state = "failed"


def build_of(session: Session, job: Job) -> PairBuild:
    return session.get_one(PairBuild, uuid.UUID(job.spec["build_id"]))
