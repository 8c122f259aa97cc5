"""The first stage of a select job that has a pair policy: builds the pairs of its pool."""

import uuid

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from curation.pairing import PairPolicy
from service.labels.pair_builds import add_build, build, labels_sha256, newest_build
from service.tables.items import Prompt
from service.tables.jobs import Job
from service.tables.pairs import PairBuild
from workers.handler import ShardPlan, Work

PAIRS = "pairs"


def plan(session: Session, job: Job, policy: PairPolicy) -> list[ShardPlan]:
    """One shard, or none where this policy has built of these labels already."""
    assert job.dataset_id is not None
    newest = newest_build(session, job.dataset_id, policy)
    labels = labels_sha256(session, job.dataset_id)
    if newest is not None and newest.labels_sha256 == labels:
        job.spec = {**job.spec, "build": newest.ordinal}
        return []
    described = {"policy": policy.model_dump(mode="json"), "policy_sha256": policy.sha256()}
    made = add_build(session, job.dataset_id, described, labels)
    made.job_id = job.id
    job.spec = {**job.spec, "build": made.ordinal}
    prompts = select(func.count()).where(Prompt.dataset_id == job.dataset_id)
    return [ShardPlan({"build_id": str(made.id)}, rows=session.scalar(prompts) or 0)]


def run(work: Work) -> None:
    made = work.session.get_one(PairBuild, uuid.UUID(work.payload["build_id"]))
    if made.state != "ready":
        build(work.session, made, work.report)


def fail(session: Session, job: Job) -> None:
    """Nothing of a build that was begun counts."""
    begun = update(PairBuild).where(PairBuild.job_id == job.id, PairBuild.state != "ready")
    session.execute(begun.values(state="failed"))
