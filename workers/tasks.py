"""The Celery entry point: `celery -A workers.tasks worker`."""

import uuid
from typing import Any

from celery import current_task
from celery.signals import setup_logging, worker_process_init, worker_ready

from service import db, logs
from service.queue import QUEUES, celery
from service.tables.jobs import JobKind
from workers import (
    advising,
    auditing,
    erasing,
    evaluating,
    exporting,
    fetching,
    indexing,
    ingesting,
    pairing,
    protocol,
    querying,
    reaper,
    scoring,
    selecting,
    sketching,
)
from workers.handler import Handler

HANDLERS: dict[JobKind, Handler] = {
    JobKind.ingest: ingesting.Ingesting(),
    JobKind.score: scoring.Scoring(),
    JobKind.select: selecting.Selecting(),
    JobKind.evaluate: evaluating.Evaluating(),
    JobKind.export: exporting.Exporting(),
    JobKind.erase: erasing.Erasing(),
    JobKind.fetch: fetching.Fetching(),
    JobKind.pair_build: pairing.Pairing(),
    JobKind.embed_text: querying.EmbeddingText(),
    JobKind.audit: auditing.Auditing(),
    JobKind.index_words: indexing.Indexing(),
    JobKind.advise: advising.Advising(),
    JobKind.what_if: sketching.Sketching(),
}

setup_logging.connect(logs.configure)


@celery.task(name="run_job")
def run_job(job_id: str) -> None:
    """Work on one job. Safe to deliver twice, late, or after a crash.

    A doorbell is answered for the queue it rang in; a direct call is answered for all.
    """
    request: Any = current_task.request
    rang_in = (request.delivery_info or {}).get("routing_key")
    queues = (rang_in,) if rang_in in QUEUES else QUEUES
    protocol.run_job(uuid.UUID(job_id), queues, HANDLERS)


@worker_process_init.connect
def forget_connections(**_: object) -> None:
    """A forked process must not speak over the connections of its parent."""
    db.engine.dispose(close=False)


@worker_ready.connect
def start_reaper(**_: object) -> None:
    reaper.start()
