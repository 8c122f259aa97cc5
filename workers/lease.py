"""The lease of a shard: claimed by one worker, renewed while it runs, fenced by its token."""

import threading
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Interval, Update, and_, func, literal, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from service import db
from service.config import settings
from service.queue import ACTIVE_STATES
from service.tables.jobs import Job, JobState, Shard, ShardState

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 3


class LeaseLost(Exception):
    """Another worker may have the shard: nothing of this one's open transaction was written."""


class Interrupted(Exception):
    """The job was stopped from outside; what was checkpointed stays."""


class Paused(Interrupted):
    pass


class Cancelled(Interrupted):
    """Cancelled, or failed by another shard."""


def lease_end() -> ColumnElement[Any]:
    """On the database's clock: workers' clocks differ."""
    seconds = func.make_interval(0, 0, 0, 0, 0, 0, settings.lease_seconds, type_=Interval())
    return func.clock_timestamp() + seconds


def expired() -> ColumnElement[bool]:
    return and_(Shard.state == ShardState.leased, Shard.lease_until < func.clock_timestamp())


def claim(session: Session, job_id: uuid.UUID, queues: Sequence[str]) -> Shard | None:
    """Lease the job's first open shard and commit, so that the attempt counts however it ends."""
    first = (
        select(Shard.id)
        .join(Job, Job.id == Shard.job_id)
        .where(
            Shard.job_id == job_id,
            Shard.queue.in_(queues),
            Shard.attempts < MAX_ATTEMPTS,
            or_(Shard.state == ShardState.waiting, expired()),
            Job.state.in_(ACTIVE_STATES),
        )
        .order_by(Shard.stage, Shard.ordinal)
        .limit(1)
        .with_for_update(of=Shard, skip_locked=True)
        .scalar_subquery()
    )
    shard = session.scalar(
        update(Shard)
        .where(Shard.id == first)
        .values(
            state=ShardState.leased,
            attempts=Shard.attempts + 1,
            lease_token=uuid.uuid4(),
            lease_until=lease_end(),
        )
        .returning(Shard)
        .execution_options(populate_existing=True)
    )
    session.commit()
    if shard is not None:
        session.expunge(shard)  # a snapshot: a rollback must not reload it
    return shard


@dataclass
class Work:
    """A leased shard in the hands of a handler; `result` is stored with it when it is done."""

    session: Session
    job: Job
    shard: Shard
    token: uuid.UUID = field(init=False)
    result: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        assert self.shard.lease_token is not None
        self.token = self.shard.lease_token

    @property
    def payload(self) -> dict[str, Any]:
        return self.shard.payload

    @property
    def stage(self) -> str:
        """The name of the stage; the shard that opens a job belongs to none."""
        return self.job.stages[self.shard.stage] if self.shard.stage >= 0 else "open"

    def checkpoint(self, rows: int) -> None:
        """Commit the session's data and `rows` more rows done, together.

        Raises LeaseLost with nothing written, Paused or Cancelled with all of it written.
        """
        state = self.advance(self.session, Shard.rows_done + rows)
        self.session.commit()
        heed(state)

    def report(self, rows_done: int) -> None:
        """Show how far a shard is that must not commit yet: in a transaction of its own.

        Raises LeaseLost, Paused or Cancelled; the caller's open transaction is then rolled back.
        """
        with db.new_session.begin() as session:
            state = self.advance(session, literal(rows_done))
        heed(state)

    def advance(self, session: Session, rows_done: ColumnElement[int]) -> JobState:
        """Write progress where the lease still holds; the job's state."""
        job_state = select(Job.state).where(Job.id == Shard.job_id).scalar_subquery()
        touched = self.fenced().values(rows_done=rows_done, lease_until=lease_end())
        state = session.scalar(touched.returning(job_state))
        if state is None:
            session.rollback()
            raise LeaseLost
        return JobState(state)

    def fenced(self) -> Update:
        """An update of the shard that touches nothing where its lease has gone to another."""
        return (
            update(Shard)
            .where(Shard.id == self.shard.id, Shard.lease_token == self.token)
            .execution_options(synchronize_session=False)
        )


def heed(state: JobState) -> None:
    if state == JobState.paused:
        raise Paused
    if state not in ACTIVE_STATES:
        raise Cancelled


@contextmanager
def renewed(work: Work) -> Generator[None]:
    """Renew the lease from a thread with a connection of its own until the block ends."""
    over = threading.Event()
    beat = threading.Thread(target=renew, args=(work, over), name="lease", daemon=True)
    beat.start()
    try:
        yield
    finally:
        over.set()
        beat.join()


def renew(work: Work, over: threading.Event) -> None:
    """A lease that was lost stays lost: the update then finds no row."""
    while not over.wait(settings.lease_seconds / 3):
        try:
            with db.engine.begin() as connection:
                connection.execute(work.fenced().values(lease_until=lease_end()))
        except OperationalError:
            log.warning("lease_not_renewed", shard_id=work.shard.id)
