"""Doorbells, the reaper and the heartbeat: how a job is never forgotten."""

import threading
import uuid

import pytest
from kombu.exceptions import OperationalError
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from service import db
from service.queue import celery, enqueue
from service.tables.access import Workspace
from service.tables.jobs import Job, JobKind, Shard, ShardState
from tests.workers.marking import (
    BOTH,
    PAST,
    Marking,
    expire,
    open_shards,
)  # fmt: skip
from workers import lease, reaper
from workers.handler import Work

Rung = list[tuple[str, str]]


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
