"""Rings again for jobs whose doorbell or worker was lost: a thread of every worker."""

import threading
import time
import uuid

import structlog
from sqlalchemy import ColumnElement, Interval, and_, func, or_, select, true, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from service import db
from service.config import settings
from service.queue import ACTIVE_STATES, ring_after_commit
from service.sweeping import sweep
from service.tables.jobs import Job, JobState, Shard, ShardState
from workers.lease import MAX_ATTEMPTS, expired

log = structlog.get_logger(__name__)

PATIENCE = 6  # rounds before a job that still waits is rung for again
SWEEP_SECONDS = 600


def start() -> None:
    """Reap at once, with every bell anew, and then every few seconds as long as the process."""
    threading.Thread(target=watch, name="reaper", daemon=True).start()


def watch() -> None:
    pause = threading.Event()
    at_start, swept = True, 0.0
    while True:
        try:
            reap(impatient=at_start)
            at_start = False
            if time.monotonic() - swept > SWEEP_SECONDS:
                sweep()
                swept = time.monotonic()
        except OperationalError:
            log.warning("reaper_waits_for_database")
        pause.wait(settings.reap_seconds)


def reap(*, impatient: bool = False) -> int:
    """Free the shards of dead workers, ring for jobs that wait; how many jobs were rung for."""
    with db.new_session.begin() as session:
        freed = free_expired(session)
        waits = or_(Shard.state == ShardState.waiting, and_(expired(), exhausted()))
        unfinished = or_(
            and_(Job.state.in_(ACTIVE_STATES), waits),
            and_(Job.state == JobState.cancelled, Shard.state.in_(("waiting", "leased"))),
        )
        due = or_(
            true() if impatient else Job.id.in_(freed),
            func.coalesce(Job.rung_at, Job.created_at) < patience_ends(),
        )
        work = select(Shard.id).where(Shard.job_id == Job.id, unfinished).correlate(Job)
        jobs = session.scalars(
            select(Job).where(work.exists(), due).with_for_update(skip_locked=True, key_share=True)
        ).all()
        for job in jobs:
            job.rung_at = func.clock_timestamp()
            for queue in queues_of(session, job.id):
                ring_after_commit(session, job.id, queue)
    if jobs:
        log.info("rung_again", jobs=len(jobs), freed=len(freed))
    return len(jobs)


def free_expired(session: Session) -> set[uuid.UUID]:
    """Shards of silent workers wait again; the jobs they belong to, dead-letters included."""
    late = select(Shard.id).where(expired()).with_for_update(skip_locked=True)
    freed = (
        update(Shard)
        .where(Shard.id.in_(late.where(~exhausted())))
        .values(state=ShardState.waiting, lease_token=None, lease_until=None)
        .returning(Shard.job_id)
        .execution_options(synchronize_session=False)
    )
    dead = select(Shard.job_id).where(expired(), exhausted())
    return {*session.scalars(freed), *session.scalars(dead)}


def exhausted() -> ColumnElement[bool]:
    return Shard.attempts >= MAX_ATTEMPTS


def patience_ends() -> ColumnElement[object]:
    seconds = PATIENCE * settings.reap_seconds
    return func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, seconds, type_=Interval())


def queues_of(session: Session, job_id: uuid.UUID) -> list[str]:
    open_shards = Shard.state.in_((ShardState.waiting, ShardState.leased))
    found = select(Shard.queue).where(Shard.job_id == job_id, open_shards).distinct()
    return list(session.scalars(found))
