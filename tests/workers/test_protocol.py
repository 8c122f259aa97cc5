"""The job protocol in process: claims, fencing, attempts, stages, stops."""

import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from service import db
from service.errors import Invalid
from service.tables.jobs import Job, JobState, ShardState
from tests.workers.marking import (
    BOTH,
    Marking,
    expire,
    marks,
    open_first_stage,
    open_shards,
    run,
    shards,
)  # fmt: skip
from workers import lease, protocol, reaper
from workers.handler import LeaseLost, Work

Rung = list[tuple[str, str]]


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


def test_a_cancel_that_no_shard_is_left_to_see_ends_what_the_job_was_making(
    session: Session, job: Job
) -> None:
    class Late(Marking):
        def run(self, work: Work) -> None:
            super().run(work)
            own = update(Job).where(Job.id == job.id)
            session.execute(own.values(state=JobState.cancelled))
            session.commit()

    handler = Late({"one": shards("a"), "none": [], "two": shards("z")})
    run(job, handler)
    session.refresh(job)
    assert (job.state, handler.failed) == (JobState.cancelled, ["cancelled"])
    assert marks(session) == [("one", "a", 0), ("one", "a", 1)]
    run(job, handler)
    assert handler.failed == ["cancelled"]


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
