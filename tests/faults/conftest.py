"""One server for all faults: the process that has seen them all must still be the same."""

from collections.abc import Iterator

import pytest

from service import files
from tests.faults.served import Dataset, Server, audited, served


@pytest.fixture(scope="session")
def server(migrated: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    file_system, folder = files.path_of(files.INCOMING)
    if file_system.exists(folder):  # of other tests' rolled-back sessions
        file_system.rm(folder, recursive=True)
    with served(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def dataset(server: Server) -> Iterator[Dataset]:
    with audited(server) as found:
        yield found
