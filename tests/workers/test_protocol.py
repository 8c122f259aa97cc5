"""The job protocol in process: claims, fencing, attempts, stages, stops and the reaper."""

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from kombu.exceptions import OperationalError
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from service import db
from service.errors import Invalid
from service.queue import celery, enqueue
from service.tables.access import Workspace
from service.tables.jobs import Job, JobKind, JobState, Shard, ShardState
from workers import lease, protocol, reaper
from workers.handler import LeaseLost, ShardPlan, Work

Rung = list[tuple[str, str]]
BOTH = ("cpu", "gpu")
PAST = text("clock_timestamp() - interval '1 minute'")


class Marking:
    """Each shard writes rows into a table of its own, in two batches; a hook runs between them."""

    def __init__(self, stages: dict[str, list[ShardPlan]]) -> None:
        self.stages = stages
        self.between: Callable[[Work], None] = lambda _: None
        self.failed: list[str] = []

    def plan(self, session: Session, job: Job, stage: str) -> list[ShardPlan]:
        return self.stages[stage]

    def run(self, work: Work) -> None:
        for batch in (0, 1):
            work.session.execute(
                text("INSERT INTO marks VALUES (:stage, :name, :batch) ON CONFLICT DO NOTHING"),
                {"stage": work.stage, "name": work.payload["name"], "batch": batch},
            )
            if batch == 1:
                self.between(work)
            work.checkpoint(1)
        work.result = {"name": work.payload["name"]}

    def finish(self, session: Session, job: Job) -> dict[str, Any]:
        return {"marks": len(marks(session))}

    def fail(self, session: Session, job: Job, problem: dict[str, Any]) -> None:
        self.failed.append(problem["code"])


def shards(*names: str, queue: str = "cpu") -> list[ShardPlan]:
    return [ShardPlan({"name": name}, 2, queue) for name in names]


def marks(session: Session) -> list[tuple[str, str, int]]:
    return [tuple(row) for row in session.execute(text("SELECT * FROM marks ORDER BY 1, 2, 3"))]


@pytest.fixture
def job(session: Session, workspace: Workspace, rung: Rung) -> Job:
    columns = "stage text, name text, batch int, PRIMARY KEY (stage, name, batch)"
    session.execute(text(f"CREATE TEMP TABLE marks ({columns}) ON COMMIT DROP"))
    job = Job(workspace_id=workspace.id, kind=JobKind.score, spec={}, stages=["one", "none", "two"])
    enqueue(session, job)
    session.commit()
    return job


@pytest.fixture
def handler() -> Marking:
    return Marking({"one": shards("a", "b", "c"), "none": [], "two": shards("z")})


def run(job: Job, handler: Marking, queues: tuple[str, ...] = BOTH) -> None:
    protocol.run_job(job.id, queues, {JobKind.score: handler})


def open_shards(session: Session, job: Job, stage: int = 0) -> list[Shard]:
    query = select(Shard).where(Shard.job_id == job.id, Shard.stage == stage)
    rows = session.scalars(
        query.order_by(Shard.ordinal), execution_options={"populate_existing": True}
    )
    return list(rows)


def open_first_stage(job: Job, handler: Marking) -> None:
    assert protocol.run_next(job.id, BOTH, handler)


def test_stages_follow_each_other_and_empty_ones_are_skipped(
    session: Session, job: Job, handler: Marking, rung: Rung
) -> None:
    run(job, handler)
    session.refresh(job)
    assert (job.state, job.stage, job.result) == (JobState.succeeded, 3, {"marks": 8})
    assert (job.rows_done, job.rows_total) == (8, 8)
    assert job.started_at is not None
    assert job.finished_at is not None
    assert [shard.result for shard in open_shards(session, job)] == [
        {"name": name} for name in "abc"
    ]
    assert len(rung) == 1 + 3 + 1  # one bell a shard


def test_a_job_delivered_twice_does_nothing_twice(
    session: Session, job: Job, handler: Marking
) -> None:
    run(job, handler)
    before = marks(session)
    handler.between = lambda _: pytest.fail("ran again")
    run(job, handler)
    assert marks(session) == before


def test_shards_are_claimed_in_order_once_and_counted_before_they_run(
    session: Session, job: Job, handler: Marking
) -> None:
    open_first_stage(job, handler)
    claimed = [lease.claim(db.new_session(), job.id, BOTH) for _ in range(4)]
    assert [shard and shard.payload["name"] for shard in claimed] == ["a", "b", "c", None]
    assert [shard.attempts for shard in open_shards(session, job)] == [1, 1, 1]
    assert len({shard.lease_token for shard in claimed if shard}) == 3


def test_a_worker_takes_only_shards_of_its_queues(session: Session, job: Job, rung: Rung) -> None:
    handler = Marking({"one": shards("a", queue="gpu"), "none": [], "two": shards("z")})
    run(job, handler, ("cpu",))
    assert [shard.state for shard in open_shards(session, job)] == [ShardState.waiting]
    assert rung[-1] == (str(job.id), "gpu")
    run(job, handler, ("gpu",))
    run(job, handler, ("cpu",))
    session.refresh(job)
    assert job.state == JobState.succeeded


def test_a_worker_that_lost_its_lease_writes_nothing(
    session: Session, job: Job, handler: Marking
) -> None:
    open_first_stage(job, handler)
    with db.new_session() as zombie:
        shard = lease.claim(zombie, job.id, BOTH)
        assert shard is not None
        work = Work(zombie, zombie.get_one(Job, job.id), shard)
        zombie.commit()
        expire(session, shard.id)
        taken = lease.claim(db.new_session(), job.id, BOTH)
        assert taken is not None
        assert (taken.id, taken.attempts) == (shard.id, 2)
        zombie.execute(text("INSERT INTO marks VALUES ('late', 'late', 0)"))
        with pytest.raises(LeaseLost):
            work.checkpoint(1)
        with pytest.raises(LeaseLost):
            work.report(1)
        protocol.fail(work, handler, {"code": "late", "detail": "late"})
    assert marks(session) == []
    assert open_shards(session, job)[0].rows_done == 0
    session.refresh(job)
    assert (job.state, handler.failed) == (JobState.running, [])


def expire(session: Session, shard_id: int) -> None:
    session.execute(update(Shard).where(Shard.id == shard_id).values(lease_until=PAST))
    session.commit()


def test_two_workers_share_the_shards_of_a_job(
    session: Session, job: Job, handler: Marking
) -> None:
    """The second worker comes while the first is in the middle of a shard."""
    seen: list[str] = []

    def second_worker(work: Work) -> None:
        seen.append(work.payload["name"])
        if len(seen) == 1:
            assert protocol.run_next(job.id, BOTH, handler)

    handler.between = second_worker
    run(job, handler)
    session.refresh(job)
    assert seen[:2] == ["a", "b"]
    assert job.state == JobState.succeeded
    assert len(marks(session)) == 8


def test_a_shard_that_kills_its_process_ends_the_job_at_the_third_attempt(
    session: Session, job: Job, handler: Marking, rung: Rung
) -> None:
    open_first_stage(job, handler)
    for attempt in (1, 2, 3):  # the process dies: nobody says so, the lease just ends
        shard = lease.claim(db.new_session(), job.id, BOTH)
        assert shard is not None
        assert (shard.payload["name"], shard.attempts) == ("a", attempt)
        expire(session, shard.id)
    rung.clear()
    assert reaper.reap() == 1
    assert rung == [(str(job.id), "cpu")]
    run(job, handler)
    session.refresh(job)
    assert (job.state, handler.failed) == (JobState.failed, ["worker_lost"])
    assert job.error is not None
    assert (job.error["code"], job.error["attempts"]) == ("worker_lost", 3)
    assert {shard.state for shard in open_shards(session, job)} == {ShardState.failed}
    assert reaper.reap(impatient=True) == 0


def test_an_error_of_the_data_ends_the_job_at_once_with_its_problem(
    session: Session, job: Job, handler: Marking
) -> None:
    def refuse(_: Work) -> None:
        raise Invalid("line 7 is wrong", line=7)

    handler.between = refuse
    run(job, handler)
    session.refresh(job)
    assert job.error is not None
    assert (job.state, job.error["code"], job.error["line"]) == (JobState.failed, "invalid", 7)
    assert marks(session) == [("one", "a", 0)]  # what was checkpointed stays, the rest went back
    assert handler.failed == ["invalid"]


def test_an_unforeseen_error_is_tried_three_times_recorded_and_raised(
    session: Session, job: Job, handler: Marking, rung: Rung
) -> None:
    def fault(_: Work) -> None:
        raise ZeroDivisionError("by nothing")

    handler.between = fault
    for attempt in (1, 2, 3):
        rung.clear()
        with pytest.raises(ZeroDivisionError):
            run(job, handler)
        session.refresh(job)
        assert job.state == (JobState.running if attempt < 3 else JobState.failed)
        assert rung[-1:] == ([(str(job.id), "cpu")] if attempt < 3 else [])
    assert job.error is not None
    assert job.error["code"] == "internal_error"
    assert job.error["detail"] == "ZeroDivisionError: by nothing"


@pytest.mark.parametrize("state", [JobState.paused, JobState.cancelled])
def test_a_stop_is_seen_within_one_batch(
    session: Session, job: Job, handler: Marking, state: JobState
) -> None:
    def stop(_: Work) -> None:
        session.execute(update(Job).where(Job.id == job.id).values(state=state))
        session.commit()

    handler.between = stop
    run(job, handler)
    session.refresh(job)
    assert job.state == state
    assert marks(session) == [("one", "a", 0), ("one", "a", 1)]
    first = open_shards(session, job)[0]
    assert (first.attempts, first.lease_token) == (0, None)
    assert handler.failed == (["cancelled"] if state == JobState.cancelled else [])
    if state == JobState.paused:
        handler.between = lambda _: None
        session.execute(update(Job).where(Job.id == job.id).values(state=JobState.running))
        session.commit()
        run(job, handler)
        session.refresh(job)
        assert (job.state, len(marks(session))) == (JobState.succeeded, 8)


def test_the_reaper_rings_for_what_nobody_holds_and_is_patient_otherwise(
    session: Session, job: Job, handler: Marking, rung: Rung
) -> None:
    rung.clear()
    assert reaper.reap() == 0  # rung for a moment ago
    session.execute(update(Job).values(rung_at=PAST))
    session.commit()
    assert reaper.reap() == 1
    assert rung == [(str(job.id), "cpu")]
    assert reaper.reap() == 0
    assert reaper.reap(impatient=True) == 1  # a worker that starts trusts no bell
    claimed = lease.claim(db.new_session(), job.id, BOTH)
    assert claimed is not None
    assert reaper.reap(impatient=True) == 0  # somebody holds it
    expire(session, claimed.id)
    assert reaper.reap() == 1
    assert open_shards(session, job, stage=-1)[0].state == ShardState.waiting


def test_a_job_is_rung_for_after_its_commit_and_never_after_a_rollback(
    session: Session, workspace: Workspace, rung: Rung
) -> None:
    def new() -> Job:
        return Job(workspace_id=workspace.id, kind=JobKind.score, spec={}, stages=["one"])

    session.commit()
    enqueue(session, new())
    assert rung == []
    session.rollback()
    enqueue(session, job := new())
    session.commit()
    session.commit()
    assert rung == [(str(job.id), "cpu")]


def test_a_broker_that_is_down_does_not_lose_the_job(
    session: Session, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object, **__: object) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(celery, "send_task", down)
    job = Job(workspace_id=workspace.id, kind=JobKind.score, spec={}, stages=["one"])
    enqueue(session, job)
    session.commit()
    assert reaper.reap(impatient=True) == 1


def test_a_lease_is_renewed_while_the_shard_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """On real connections: the heartbeat has its own."""
    short = lease.settings.model_copy(update={"lease_seconds": 0.3})
    monkeypatch.setattr(lease, "settings", short)
    token, renewed = uuid.uuid4(), threading.Event()
    with db.engine.begin() as connection:
        workspace = connection.scalar(
            text("INSERT INTO workspaces (name) VALUES ('beat') RETURNING id")
        )
        job = connection.scalar(
            text("INSERT INTO jobs (workspace_id, kind, spec, stages) VALUES "
                 "(:workspace, 'score', '{}', '[]') RETURNING id"),
            {"workspace": workspace},
        )  # fmt: skip
        shard = connection.scalar(
            text("INSERT INTO shards (job_id, stage, ordinal, payload, state, lease_token) "
                 "VALUES (:job, 0, 0, '{}', 'leased', :token) RETURNING id"),
            {"job": job, "token": token},
        )  # fmt: skip
    try:
        with db.new_session() as session:
            row = session.get_one(Shard, shard)
            session.expunge(row)
            with lease.renewed(Work(session, session.get_one(Job, job), row)):
                for _ in range(100):
                    session.rollback()
                    query = select(Shard.lease_until > text("clock_timestamp()"))
                    if session.scalar(query.where(Shard.id == shard)):
                        renewed.set()
                        break
                    threading.Event().wait(0.05)
    finally:
        with db.engine.begin() as connection:
            connection.execute(text("DELETE FROM workspaces WHERE name = 'beat'"))
    assert renewed.is_set()
