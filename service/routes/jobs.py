"""Schedule scoring jobs, watch any job, stop it and let it go on."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field, computed_field
from sqlalchemy import cast, func, select, tuple_
from sqlalchemy.orm import Session, undefer_group

from curation.signals import AnySignal
from service import db
from service.auth import WorkspaceDep
from service.db import SessionDep
from service.errors import Conflict
from service.paging import CursorQuery, LimitQuery, Page, decode_cursor, page_of
from service.queue import ACTIVE_STATES, enqueue, ring_after_commit
from service.routes.datasets import DatasetDep
from service.routes.idempotent import IdempotentRoute
from service.routes.owned import owned
from service.tables.jobs import FINAL_STATES, Job, JobKind, JobState, Shard

router = APIRouter(prefix="/api/v1", tags=["jobs"], route_class=IdempotentRoute)

POLL_SECONDS = 0.5
SCORE_STAGES = ["embed", "score", "fit"]


class ScoreJobIn(BaseModel):
    """Signals to compute where they are missing."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"signals": [{"kind": "style"}, {"kind": "knn_novelty"}]}]},
    )

    signals: list[AnySignal] = Field(min_length=1, max_length=50)
    refit: bool = Field(
        default=False, description="whole-dataset signals learn anew if there are new rows"
    )


class JobOut(BaseModel):
    """`stage` counts the ended stages; rows are those of the stages opened so far."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    dataset_id: uuid.UUID | None
    kind: JobKind
    state: JobState
    stage: int
    stages: list[str] = Field(examples=[SCORE_STAGES])
    rows_done: int
    rows_total: int
    error: dict[str, Any] | None
    result: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @computed_field
    @property
    def rows_per_second(self) -> float | None:
        """Since the job started."""
        if self.started_at is None or not self.rows_done:
            return None
        seconds = ((self.finished_at or datetime.now(UTC)) - self.started_at).total_seconds()
        return round(self.rows_done / seconds, 3) if seconds > 0 else None

    @computed_field
    @property
    def eta_seconds(self) -> float | None:
        """For the rows known so far, at the rate so far."""
        if self.state in FINAL_STATES or not self.rows_per_second:
            return None
        return round((self.rows_total - self.rows_done) / self.rows_per_second, 1)


def job_out(session: Session, job: Job) -> JobOut:
    """The job with its progress, as the database has it."""
    session.flush()
    session.refresh(job)
    return JobOut.model_validate(job)


def owned_job(job_id: uuid.UUID, session: SessionDep, workspace: WorkspaceDep) -> Job:
    """The workspace's job; 404 for anybody else's."""
    return owned(session, workspace, Job, job_id)


JobDep = Annotated[Job, Depends(owned_job, scope="function")]


def locked_job(job: JobDep, session: SessionDep) -> Job:
    """For requests that change the job: they wait for a worker that is closing a stage."""
    session.refresh(job, with_for_update={"key_share": True})
    return job


LockedJobDep = Annotated[Job, Depends(locked_job, scope="function")]


@router.post("/datasets/{dataset_id}/jobs", status_code=202, response_model=JobOut)
def create_job(body: ScoreJobIn, dataset: DatasetDep, session: SessionDep) -> Job:
    """Score a dataset: rows and texts that have their score already are left alone."""
    job = Job(
        workspace_id=dataset.workspace_id,
        dataset_id=dataset.id,
        kind=JobKind.score,
        spec=body.model_dump(mode="json"),
        stages=SCORE_STAGES,
    )
    enqueue(session, job)
    return job


@router.get("/jobs", response_model=Page[JobOut])
def list_jobs(
    session: SessionDep,
    workspace: WorkspaceDep,
    state: JobState | None = None,
    dataset_id: uuid.UUID | None = None,
    limit: LimitQuery = 100,
    cursor: CursorQuery = None,
) -> dict[str, Any]:
    """Newest first."""
    query = select(Job).where(Job.workspace_id == workspace.id)
    if state is not None:
        query = query.where(Job.state == state)
    if dataset_id is not None:
        query = query.where(Job.dataset_id == dataset_id)
    scope = f"jobs {workspace.id} {state} {dataset_id}"
    if (after := decode_cursor(scope, cursor)) is not None:
        last = tuple_(cast(after[0], Job.created_at.type), cast(after[1], Job.id.type))
        query = query.where(tuple_(Job.created_at, Job.id) < last)
    query = query.order_by(Job.created_at.desc(), Job.id.desc()).limit(limit + 1)
    jobs = session.scalars(query.options(undefer_group("progress"))).all()
    return page_of(jobs, limit, scope, "page_key")


@router.get("/jobs/{job_id}", response_model=JobOut)
def read_job(job: JobDep) -> Job:
    return job


@router.get("/jobs/{job_id}/events", response_class=EventSourceResponse)
async def follow_job(job: JobDep) -> AsyncIterator[ServerSentEvent]:
    """The job each time it changes, until it has ended."""
    seen: JobOut | None = None
    while seen is None or seen.state not in FINAL_STATES:
        now = await run_in_threadpool(snapshot, job.id)
        if now is None:
            return
        if now != seen:
            yield ServerSentEvent(event="job", data=now)
        seen = now
        if seen.state not in FINAL_STATES:
            await asyncio.sleep(POLL_SECONDS)


def snapshot(job_id: uuid.UUID) -> JobOut | None:
    with db.new_session() as session:
        job = session.get(Job, job_id)
        return job_out(session, job) if job else None


@router.post("/jobs/{job_id}/cancel", response_model=JobOut)
def cancel_job(job: LockedJobDep, session: SessionDep) -> Job:
    """Stop for good. What was computed stays; workers stop within one batch."""
    if job.state == JobState.cancelled:
        return job
    change(session, job, JobState.cancelled, (*ACTIVE_STATES, JobState.paused))
    job.finished_at = func.clock_timestamp()
    wake(session, job)
    return job


@router.post("/jobs/{job_id}/pause", response_model=JobOut)
def pause_job(job: LockedJobDep, session: SessionDep) -> Job:
    """Workers leave the job within one batch."""
    if job.state != JobState.paused:
        change(session, job, JobState.paused, ACTIVE_STATES)
    return job


@router.post("/jobs/{job_id}/resume", response_model=JobOut)
def resume_job(job: LockedJobDep, session: SessionDep) -> Job:
    """Let a paused job go on where it was."""
    if job.state not in ACTIVE_STATES:
        begun = JobState.running if job.started_at else JobState.queued
        change(session, job, begun, (JobState.paused,))
        wake(session, job)
    return job


def change(session: Session, job: Job, state: JobState, allowed: tuple[JobState, ...]) -> None:
    if job.state not in allowed:
        raise Conflict(f"job {job.id} is {job.state}", code="job_state", state=job.state)
    job.state = state
    session.flush()


def wake(session: Session, job: Job) -> None:
    """Ring for the open shards: to go on with them, or to close them."""
    job.rung_at = func.clock_timestamp()
    session.flush()
    open_shards = select(Shard.queue, func.count()).where(
        Shard.job_id == job.id, Shard.state.in_(("waiting", "leased"))
    )
    for queue, shards in session.execute(open_shards.group_by(Shard.queue)):
        ring_after_commit(session, job.id, queue, shards)
