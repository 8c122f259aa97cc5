"""A real PostgreSQL for the session, one rolled-back transaction per test."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.embedded import postgres

STATE = Path(tempfile.mkdtemp(prefix="pfs-"))
STATE.chmod(0o711)
os.environ["DATABASE_URL"] = postgres.start(STATE / "pg")
os.environ["PREFSIFT_HOME"] = str(STATE / "home")

from fastapi.testclient import TestClient  # noqa: E402  after the settings' environment
from sqlalchemy.orm import Session  # noqa: E402

from service import db, schema  # noqa: E402
from service.app import app  # noqa: E402
from service.auth import create_key  # noqa: E402
from service.queue import celery  # noqa: E402
from service.tables.access import Workspace  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def migrated() -> None:
    schema.upgrade()


@pytest.fixture
def session() -> Iterator[Session]:
    """One transaction per test, shared by the API and the worker, rolled back at the end."""
    with db.engine.connect() as connection, connection.begin() as transaction:
        db.new_session.configure(bind=connection, join_transaction_mode="create_savepoint")
        with db.new_session() as session:
            yield session
        transaction.rollback()
    db.new_session.configure(bind=db.engine, join_transaction_mode="conditional_savepoint")


@pytest.fixture
def workspace(session: Session) -> Workspace:
    workspace = Workspace(name="test")
    session.add(workspace)
    session.flush()
    return workspace


@pytest.fixture
def client(session: Session, workspace: Workspace) -> TestClient:
    """Speaks with a key of `workspace`."""
    key = create_key(session, workspace, "test")
    session.commit()
    return TestClient(app, headers={"Authorization": f"Bearer {key}"})


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """(job id, queue) of each doorbell; the one thing that tests inside the process replace."""
    rung: list[tuple[str, str]] = []

    def send_task(name: str, args: list[str], queue: str, **_: object) -> None:
        assert name == "run_job"
        rung.append((args[0], queue))

    monkeypatch.setattr(celery, "send_task", send_task)
    return rung
