"""Is the service alive, ready, and which one is it; metrics for Prometheus."""

import platform
from collections.abc import Iterator
from importlib.metadata import version
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import RedirectResponse
from kombu.exceptions import OperationalError as BrokerError
from prometheus_client.core import REGISTRY, GaugeMetricFamily
from prometheus_client.registry import Collector
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from service import db, schema
from service.errors import Unavailable
from service.queue import celery
from service.tables.jobs import Job, JobState

router = APIRouter(tags=["system"])


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class Version(BaseModel):
    version: str
    python: str
    schema_revision: str


@router.get("/", include_in_schema=False)
def front_door() -> RedirectResponse:
    return RedirectResponse("/docs")


@router.get("/healthz")
def health() -> Health:
    """The process answers."""
    return Health()


@router.get("/readyz")
def readiness() -> Health:
    """The database answers with the newest schema, and the broker answers; else 503."""
    found, wanted = schema.current(), schema.head()
    if found != wanted:
        raise Unavailable(f"schema {found}, not {wanted}: migrate", code="schema_outdated")
    try:
        with celery.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=2)
    except BrokerError as error:
        raise Unavailable("the broker does not answer", code="broker_unavailable") from error
    return Health()


@router.get("/version")
def read_version() -> Version:
    return Version(
        version=version("prefsift"),
        python=platform.python_version(),
        schema_revision=schema.head(),
    )


class JobGauges(Collector):
    """Read from the job table at each scrape: the truth, whichever process is asked."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        by_state = GaugeMetricFamily("prefsift_jobs", "jobs by state", labels=["state"])
        oldest = GaugeMetricFamily(
            "prefsift_oldest_queued_seconds", "age of the oldest job that no worker has begun"
        )
        waiting = func.extract("epoch", func.clock_timestamp() - func.min(Job.created_at))
        try:
            with db.new_session() as session:
                counted = session.execute(select(Job.state, func.count()).group_by(Job.state))
                counts = {state: jobs for state, jobs in counted}
                age = session.scalar(select(waiting).where(Job.state == JobState.queued))
        except OperationalError:
            return
        for state in JobState:
            by_state.add_metric([state.value], counts.get(state, 0))
        oldest.add_metric([], float(age or 0))
        yield by_state
        yield oldest

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing up front: registering must not ask the database."""
        return []


REGISTRY.register(JobGauges())
