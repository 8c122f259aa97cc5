"""One stack for all tests of this folder; each test starts, and leaves no, worker."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.embedded import folders
from tests.chaos.stack import Stack, kill, lines


@pytest.fixture(scope="package")
def running() -> Iterator[Stack]:
    folder = Path(tempfile.mkdtemp(prefix="pfs-chaos-"))
    stack = Stack(folder)
    yield stack
    stack.stop()
    folders.purge(folder)
    shutil.rmtree(folder)


@pytest.fixture
def stack(running: Stack) -> Iterator[Stack]:
    yield running
    for process in running.processes[1:]:
        kill(process)
    del running.processes[1:]


@pytest.fixture(scope="package")
def ingested(running: Stack) -> str:
    """A dataset of 1,500 pairs."""
    dataset = running.dataset()
    job = running.upload(dataset, lines(1500)).json()["job"]["id"]
    worker = running.start_worker()
    assert running.ended(job)["state"] == "succeeded"
    kill(worker)
    return dataset


@pytest.fixture
def scored_anew(running: Stack, ingested: str) -> str:
    """The dataset without any score."""
    running.one("WITH gone AS (DELETE FROM signals) SELECT 1")
    return ingested
