"""A queued job of three stages whose second is empty, and its handler."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from service.queue import enqueue
from service.tables.access import Workspace
from service.tables.jobs import Job, JobKind
from tests.workers.marking import Marking, shards


@pytest.fixture
def job(session: Session, workspace: Workspace, rung: list[tuple[str, str]]) -> Job:
    columns = "stage text, name text, batch int, PRIMARY KEY (stage, name, batch)"
    session.execute(text(f"CREATE TEMP TABLE marks ({columns}) ON COMMIT DROP"))
    job = Job(workspace_id=workspace.id, kind=JobKind.score, spec={}, stages=["one", "none", "two"])
    enqueue(session, job)
    session.commit()
    return job


@pytest.fixture
def handler() -> Marking:
    return Marking({"one": shards("a", "b", "c"), "none": [], "two": shards("z")})
