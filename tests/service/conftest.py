"""A server on a socket, for what only real connections and real commits can show."""

from collections.abc import Iterator

import httpx
import pytest

from service import files
from tests.service.serving import client_of, serving, workspace_key


@pytest.fixture
def api(rung: list[tuple[str, str]]) -> Iterator[httpx.Client]:
    """A client of a server in a thread."""
    with workspace_key() as key, serving() as url, client_of(url, key) as client:
        yield client


@pytest.fixture(autouse=True)
def nothing_incoming() -> None:
    """Tests count the files on their way in; parts of rolled-back sessions would stay."""
    file_system, folder = files.path_of(files.INCOMING)
    if file_system.exists(folder):
        file_system.rm(folder, recursive=True)
