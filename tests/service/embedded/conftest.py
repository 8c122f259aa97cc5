"""Homes of embedded servers; whatever a test did to them, nothing stays behind."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.embedded import folders, postgres, valkey


@pytest.fixture
def home() -> Iterator[Path]:
    parent = Path(tempfile.mkdtemp(prefix="pfs-"))  # pytest's own folders are too long for sockets
    yield parent / "home"
    clear(parent / "home")
    shutil.rmtree(parent)


@pytest.fixture(scope="module")
def running_home() -> Iterator[Path]:
    """A home whose PostgreSQL runs; tests leave it running."""
    parent = Path(tempfile.mkdtemp(prefix="pfs-"))
    postgres.start(parent / "home")
    yield parent / "home"
    clear(parent / "home")
    shutil.rmtree(parent)


def clear(home: Path) -> None:
    if home.is_dir():
        postgres.stop(home)
        valkey.stop(home)
        folders.purge(home)
