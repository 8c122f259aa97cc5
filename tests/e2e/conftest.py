"""Homes for the installed command; one stack serves all tests that do not stop it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.installed import EXAMPLES, Home


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home whose stack is up."""
    home = Home(tmp_path_factory.mktemp("home"))
    try:
        done = home.prefsift("up", "--port", "0")
        assert done.code == 0, done.err
        yield home
    finally:
        home.prefsift("down", "--purge", "--yes")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home in which nothing has run."""
    home = Home(tmp_path / "home")
    try:
        yield home
    finally:
        home.prefsift("down", "--purge", "--yes")


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 40 lines of the examples."""
    path = tmp_path_factory.mktemp("few") / "few.jsonl"
    path.write_text("".join(EXAMPLES.read_text("utf-8").splitlines(keepends=True)[:40]), "utf-8")
    return path
