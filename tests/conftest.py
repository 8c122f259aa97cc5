"""A real PostgreSQL for the session, one rolled-back transaction per test."""

import atexit
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.embedded import folders, postgres

# A time limit or a cancelled build ends the session as Ctrl-C does: with everything stopped.
signal.signal(signal.SIGTERM, signal.default_int_handler)
STATE = Path(tempfile.mkdtemp(prefix="pfs-"))


@atexit.register
def leave_nothing_behind() -> None:
    """However the session ended: also where pytest itself was interrupted."""
    postgres.stop(STATE / "pg")
    folders.purge(STATE / "pg")
    shutil.rmtree(STATE)


os.environ["DATABASE_URL"] = postgres.start(STATE / "pg")
os.environ["PREFSIFT_HOME"] = str(STATE / "home")

from fastapi.testclient import TestClient  # noqa: E402  after the settings' environment
from sqlalchemy.orm import Session  # noqa: E402

from service import db, schema  # noqa: E402
from service.app import app  # noqa: E402
from service.auth import create_key  # noqa: E402
from service.queue import celery  # noqa: E402
from service.tables.access import Workspace  # noqa: E402

DATA = Path(
    os.environ.get("PREFSIFT_TEST_DATA") or Path(__file__).parents[1].parent / "shared" / "data"
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what this machine cannot run, and says how much; under CI real data is a must."""
    absent: dict[str, str] = {}
    if not DATA.is_dir():
        absent["realdata"] = f"no folder {DATA}"
    if not has_cuda(items):
        absent["gpu"] = "no CUDA device"
    if not (os.environ.get("CHROME") or shutil.which("chromium")):
        absent["browser"] = "no Chromium, by path in CHROME or on PATH"
    for marker, reason in absent.items():
        left_out = [item for item in items if item.get_closest_marker(marker)]
        if not left_out:
            continue
        if marker == "realdata" and os.environ.get("CI") == "true":
            raise pytest.UsageError(f"{len(left_out)} realdata tests cannot run: {reason}")
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
        message = f"{len(left_out)} tests marked {marker} are deselected: {reason}"
        config.stash.setdefault(LEFT_OUT, []).append(message)


LEFT_OUT = pytest.StashKey[list[str]]()


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    return config.stash.get(LEFT_OUT, [])


def has_cuda(items: list[pytest.Item]) -> bool:
    """Asks torch only where a collected test wants to know: loading it takes seconds."""
    if not any(item.get_closest_marker("gpu") for item in items):
        return False
    import torch

    return torch.cuda.is_available()


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of public data that tests marked `realdata` read."""
    return DATA


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
