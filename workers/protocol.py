"""How a job moves: its shards are run, a stage closes with its last shard, the next one opens.

The job table is the truth and the broker a doorbell: everything here may be called twice, at any
time, by any worker. Locks are taken in one order: the job's row, then its shards.
"""

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.orm import Session

from service import db
from service.errors import ServiceError
from service.queue import ACTIVE_STATES, OPENING, ring_after_commit
from service.tables.jobs import FINAL_STATES, Job, JobKind, JobState, Shard, ShardState
from workers.handler import Handler, Interrupted, LeaseLost, Paused, ShardPlan, Work
from workers.lease import MAX_ATTEMPTS, claim, expired, renewed

log = structlog.get_logger(__name__)

SLICE_SECONDS = 20  # after this long a worker gives way where another job waits
OPEN_STATES = (ShardState.waiting, ShardState.leased)
CANCELLED = ServiceError("cancelled on request", code="cancelled").problem()
WORKER_LOST = ServiceError(
    f"a shard ended its worker process {MAX_ATTEMPTS} times", code="worker_lost",
    attempts=MAX_ATTEMPTS,
).problem()  # fmt: skip


def run_job(job_id: uuid.UUID, queues: Sequence[str], handlers: Mapping[JobKind, Handler]) -> None:
    """Work on the job until no shard of it is left to claim, or others have waited long enough."""
    with db.new_session() as session:
        job = session.get(Job, job_id)
        if job is None:
            return
        handler = handlers[job.kind]
    with structlog.contextvars.bound_contextvars(
        job_id=str(job_id), kind=job.kind.value, request_id=job.request_id
    ):
        settle(job_id, handler)
        began = time.monotonic()
        while run_next(job_id, queues, handler):
            if time.monotonic() - began > SLICE_SECONDS and give_way(job_id, queues):
                return


def run_next(job_id: uuid.UUID, queues: Sequence[str], handler: Handler) -> bool:
    """Claim and run one shard; False where there was none to claim or the job has stopped."""
    with db.new_session() as session:
        shard = claim(session, job_id, queues)
        if shard is None:
            return False
        start(session, job_id)
        work = Work(session, session.get_one(Job, job_id, populate_existing=True), shard)
        log.info("shard_claimed", stage=work.stage, ordinal=shard.ordinal, attempt=shard.attempts)
        try:
            with renewed(work):
                if shard.stage != OPENING:
                    handler.run(work)
                complete(work, handler)
        except LeaseLost:
            session.rollback()
            log.warning("lease_lost", shard_id=shard.id)
        except Interrupted as reason:
            session.rollback()
            give_back(work, handler, paused=isinstance(reason, Paused))
            return False
        except ServiceError as error:
            session.rollback()
            fail(work, handler, error.problem())
        except Exception as error:
            session.rollback()
            fault(work, handler, error)
            raise
    return True


def start(session: Session, job_id: uuid.UUID) -> None:
    session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == JobState.queued)
        .values(
            state=JobState.running,
            started_at=func.coalesce(Job.started_at, func.clock_timestamp()),
        )
    )
    session.commit()


def lock(session: Session, job_id: uuid.UUID) -> Job:
    """The job as it is now; rows that refer to it can still be written by others.

    Raises LeaseLost where it was deleted, with its shards.
    """
    job = session.get(Job, job_id, populate_existing=True, with_for_update={"key_share": True})
    if job is None:
        raise LeaseLost
    return job


def complete(work: Work, handler: Handler) -> None:
    """Commit what is left of the shard's data, its end, and the opening of the next stage."""
    session = work.session
    session.flush()
    job = lock(session, work.shard.job_id)
    rows = func.greatest(Shard.rows_done, Shard.rows_total)
    done = work.fenced().values(
        state=ShardState.done,
        lease_token=None,
        lease_until=None,
        rows_done=rows,
        rows_total=rows,
        result=work.result,
    )
    if session.scalar(done.returning(Shard.id)) is None:
        raise LeaseLost
    others = select(exists().where(Shard.job_id == job.id, Shard.state.in_(OPEN_STATES)))
    if not session.scalar(others):
        if job.state == JobState.cancelled:  # after this shard last looked, and none is left to
            end(session, job, handler, CANCELLED)
        elif job.state not in FINAL_STATES:
            advance(session, job, handler, work.shard.stage + 1)
    session.commit()


def advance(session: Session, job: Job, handler: Handler, stage: int) -> None:
    """Open the first stage from `stage` on that has shards; without one the job has succeeded."""
    for position in range(stage, len(job.stages)):
        job.stage = position
        plans = handler.plan(session, job, job.stages[position])
        if plans:
            open_stage(session, job, plans)
            return
    job.stage = len(job.stages)
    job.result = handler.finish(session, job)
    job.state, job.finished_at = JobState.succeeded, func.clock_timestamp()
    log.info("job_succeeded")


def open_stage(session: Session, job: Job, plans: Sequence[ShardPlan]) -> None:
    session.add_all(
        Shard(
            job_id=job.id,
            stage=job.stage,
            ordinal=ordinal,
            queue=plan.queue,
            payload=plan.payload,
            rows_total=plan.rows,
        )
        for ordinal, plan in enumerate(plans)
    )
    job.rung_at = func.clock_timestamp()
    session.flush()
    log.info("stage_opened", stage=job.stages[job.stage], shards=len(plans))
    for queue in dict.fromkeys(plan.queue for plan in plans):
        ring_after_commit(session, job.id, queue, sum(plan.queue == queue for plan in plans))


def give_back(work: Work, handler: Handler, *, paused: bool) -> None:
    """Let go of the shard of a job that was stopped: that was no failed attempt."""
    with db.new_session.begin() as session:
        session.execute(
            work.fenced().values(
                state=ShardState.waiting,
                lease_token=None,
                lease_until=None,
                attempts=Shard.attempts - 1,
            )
        )
    log.info("job_paused" if paused else "job_stopped")
    settle(work.shard.job_id, handler)


def fault(work: Work, handler: Handler, error: Exception) -> None:
    """An error nobody foresaw: the shard goes back, or at the last attempt the job fails."""
    problem = ServiceError(f"{type(error).__name__}: {error}").problem()
    if work.shard.attempts >= MAX_ATTEMPTS:
        fail(work, handler, problem)
        return
    with db.new_session.begin() as session:
        session.execute(
            work.fenced().values(
                state=ShardState.waiting, lease_token=None, lease_until=None, error=problem
            )
        )
        ring_after_commit(session, work.shard.job_id, work.shard.queue)


def fail(work: Work, handler: Handler, problem: dict[str, Any]) -> None:
    """End the job with this shard's problem, unless the shard is another worker's by now."""
    with db.new_session.begin() as session:
        job = lock(session, work.shard.job_id)
        failed = work.fenced().values(state=ShardState.failed, lease_token=None, error=problem)
        if session.scalar(failed.returning(Shard.id)) is None:
            log.warning("lease_lost", shard_id=work.shard.id)
        elif job.state not in FINAL_STATES:
            end(session, job, handler, problem)


def end(session: Session, job: Job, handler: Handler, problem: dict[str, Any]) -> None:
    """Close every open shard, so that whoever still holds one is fenced out."""
    session.execute(
        update(Shard)
        .where(Shard.job_id == job.id, Shard.state.in_(OPEN_STATES))
        .values(state=ShardState.failed, lease_token=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )
    handler.fail(session, job, problem)
    if job.state != JobState.cancelled:
        job.state, job.error = JobState.failed, problem
        job.finished_at = func.clock_timestamp()
    log.warning("job_ended", code=problem["code"], detail=problem["detail"])


def settle(job_id: uuid.UUID, handler: Handler) -> None:
    """End a job that was cancelled, or that has killed its worker too often."""
    lost = and_(Job.state.in_(ACTIVE_STATES), Shard.attempts >= MAX_ATTEMPTS, expired())
    cancelled = and_(Job.state == JobState.cancelled, Shard.state.in_(OPEN_STATES))
    stuck = (
        select(Shard.id)
        .join(Job, Job.id == Shard.job_id)
        .where(Job.id == job_id, or_(lost, cancelled))
    )
    with db.new_session.begin() as session:
        if session.scalar(select(stuck.exists())):
            job = lock(session, job_id)
            if session.scalar(select(stuck.exists())):
                problem = CANCELLED if job.state == JobState.cancelled else WORKER_LOST
                end(session, job, handler, problem)


def give_way(job_id: uuid.UUID, queues: Sequence[str]) -> bool:
    """Ring for this job again at the end of the queue where another job waits for a worker."""
    waiting = (Shard.state == ShardState.waiting, Shard.queue.in_(queues))
    with db.new_session.begin() as session:
        others = select(
            exists().where(
                Shard.job_id == Job.id, Job.id != job_id, Job.state.in_(ACTIVE_STATES), *waiting
            )
        )
        if not session.scalar(others):
            return False
        mine = select(Shard.queue).where(Shard.job_id == job_id, *waiting).distinct()
        for queue in session.scalars(mine):
            ring_after_commit(session, job_id, queue)
    return True
