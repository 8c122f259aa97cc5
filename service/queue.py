"""The Celery application, and the one way to enqueue a job."""

import uuid

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from sqlalchemy import event
from sqlalchemy.orm import Session

from service.config import settings
from service.tables.jobs import Job

log = structlog.get_logger(__name__)

QUEUES = ("cpu", "gpu")

celery = Celery("prefsift", broker=settings.broker_url or "memory://")
celery.conf.update(
    task_ignore_result=True,  # the jobs table is the result backend
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "visibility_timeout": 3600,
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
    },
)


def ring(job_id: uuid.UUID, queue: str = "cpu") -> None:
    """Tell the workers of a queue to look at a job. Lost rings are sent again by the reaper."""
    try:
        celery.send_task("run_job", [str(job_id)], queue=queue, retry=False)
    except OperationalError:
        log.warning("broker_unreachable", job_id=str(job_id))


def enqueue(session: Session, job: Job, queue: str = "cpu") -> None:
    """Ring for the job once, and only if, its row is committed."""

    def send(_: Session) -> None:
        ring(job.id, queue)

    event.listen(session, "after_commit", send, once=True)
