"""The Celery application, and the one way to enqueue a job.

The job table is the truth; a message is a doorbell that says "look at job N".
"""

import uuid
from collections.abc import Sequence
from typing import Any

import structlog
from celery import Celery
from kombu.entity import Queue
from kombu.exceptions import OperationalError
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from service.config import settings
from service.tables.datasets import Dataset
from service.tables.jobs import Job, JobKind, JobState, Shard

log = structlog.get_logger(__name__)

QUEUES = ("cpu", "gpu")
ACTIVE_STATES = (JobState.queued, JobState.running)
OPENING = -1  # the stage of the shard that plans a job's first stage
MAX_BELLS = 16  # more shards than this do not wake more workers at once
BELLS = "bells"

celery = Celery("prefsift", broker=settings.broker_url or "memory://")
celery.conf.update(
    task_default_queue=QUEUES[0],
    task_queues=[Queue(name, routing_key=name) for name in QUEUES],  # a plain worker serves both
    task_ignore_result=True,  # the jobs table is the result backend
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": 3600,
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": 2,
    },
)


def ring(job_id: uuid.UUID, queue: str = "cpu") -> None:
    """Tell the workers of a queue to look at a job. Lost rings are sent again by the reaper."""
    try:
        celery.send_task("run_job", [str(job_id)], queue=queue, retry=False)
    except OperationalError:
        log.warning("broker_unreachable", job_id=str(job_id))


def ring_after_commit(session: Session, job_id: uuid.UUID, queue: str, times: int = 1) -> None:
    """Ring once, and only if, what the session holds is committed."""
    bells: list[tuple[uuid.UUID, str]] = session.info.setdefault(BELLS, [])
    bells += [(job_id, queue)] * min(times, MAX_BELLS)


@event.listens_for(Session, "after_commit")
def send_bells(session: Session) -> None:
    if session.in_nested_transaction():  # a savepoint: nothing is committed yet
        return
    for job_id, queue in session.info.pop(BELLS, []):
        ring(job_id, queue)


@event.listens_for(Session, "after_rollback")
def drop_bells(session: Session) -> None:
    session.info.pop(BELLS, None)


def only_job(
    session: Session, dataset: Dataset, kind: JobKind, spec: dict[str, Any], stages: Sequence[str]
) -> Job:
    """The job of this specification that waits or runs, else a new one: two requests at a time
    begin one job, as the dataset's row is locked."""
    session.execute(
        select(Dataset.id).where(Dataset.id == dataset.id).with_for_update(key_share=True)
    )
    same = select(Job).where(
        Job.dataset_id == dataset.id, Job.kind == kind, Job.spec == spec,
        Job.state.in_(ACTIVE_STATES),
    )  # fmt: skip
    job = session.scalars(same).first()
    if job is None:
        job = Job(
            workspace_id=dataset.workspace_id, dataset_id=dataset.id, kind=kind, spec=spec,
            stages=[*stages],
        )  # fmt: skip
        enqueue(session, job)
    return job


def enqueue(session: Session, job: Job, queue: str = "cpu") -> None:
    """Add the job with the shard that opens it, and ring when both are committed."""
    job.request_id = job.request_id or structlog.contextvars.get_contextvars().get("request_id")
    job.rung_at = func.clock_timestamp()
    session.add(job)
    session.flush()
    session.add(Shard(job_id=job.id, stage=OPENING, ordinal=0, queue=queue, payload={}))
    session.flush()
    ring_after_commit(session, job.id, queue)
