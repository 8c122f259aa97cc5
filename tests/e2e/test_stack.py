"""`prefsift up`, `status`, `down`, `worker`: a day in the life of a home, crashes included."""

import json
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.embedded import folders, postgres, processes
from tests.e2e.command import Command, left_running

pytestmark = pytest.mark.e2e
PARTS = ("postgres", "valkey", "api", "worker")


@pytest.fixture
def prefsift() -> Iterator[Command]:
    parent = Path(tempfile.mkdtemp(prefix="pfs-"))
    command = Command(parent / "home")
    yield command
    command("down", "--purge", "--yes")
    shutil.rmtree(parent)


def leader(command: Command, name: str) -> int:
    pid = processes.leader(command.home.resolve(), name)
    assert pid is not None
    return pid


def postmaster(command: Command) -> int:
    (pid,) = postgres.postmasters(folders.known_folder(command.home.resolve()) / "data")
    return pid


def datasets(url: str, key: str) -> list[str]:
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx.get(f"{url}/api/v1/datasets", headers=headers).raise_for_status()
    return [item["name"] for item in answer.json()["items"]]


def test_up_down_up_keeps_the_data_and_down_leaves_no_process(prefsift: Command) -> None:
    first = prefsift.json("up", "--port", "0", "--concurrency", "1")
    key, key_file = first["new_key"], Path(first["key_file"])
    assert (first["started"], first["docs"]) == (True, f"{first['url']}/docs")
    assert key_file.read_text().strip() == key
    assert key_file.stat().st_mode & 0o777 == 0o600
    headers = {"Authorization": f"Bearer {key}"}
    created = httpx.post(f"{first['url']}/api/v1/datasets", json={"name": "kept"}, headers=headers)
    assert created.status_code == 201
    assert httpx.get(f"{first['url']}/docs").status_code == 200

    said = prefsift("up")
    assert f"was up already at {first['url']}" in said
    assert key not in said
    status = prefsift.json("status")
    assert (status["running"], status["url"]) == (True, first["url"])
    assert status["parts"] == dict.fromkeys(PARTS, True)
    assert left_running(prefsift.home)

    assert prefsift("down") == "stopped: worker, api, valkey, postgres\n"
    assert left_running(prefsift.home) == []
    assert prefsift("down") == "nothing was running\n"
    prefsift("status", code=1)

    second = prefsift.json("up", "--port", "0", "--concurrency", "1")
    assert (second["started"], second["new_key"]) == (True, None)
    assert datasets(second["url"], key) == ["kept"]


def test_up_mends_what_was_killed_and_down_stops_what_is_left(prefsift: Command) -> None:
    prefsift("up", "--port", "0", "--concurrency", "2")
    home = prefsift.home.resolve()
    dead = processes.running(home, "worker")
    os.kill(leader(prefsift, "worker"), signal.SIGKILL)
    assert prefsift.json("status", code=1)["parts"] == dict.fromkeys(PARTS, True) | {
        "worker": False
    }
    os.kill(postmaster(prefsift), signal.SIGKILL)
    assert not prefsift.json("up")["started"]
    assert prefsift.json("status")["running"]
    assert not set(dead) & set(processes.running(home, "worker"))

    os.kill(leader(prefsift, "worker"), signal.SIGKILL)
    os.kill(leader(prefsift, "api"), signal.SIGKILL)
    os.kill(postmaster(prefsift), signal.SIGKILL)
    prefsift("down")
    assert left_running(prefsift.home) == []


def test_two_at_once_make_one_stack(prefsift: Command) -> None:
    both = [prefsift.begin("up", "--port", "0", "--concurrency", "1", "--json") for _ in range(2)]
    ends = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    started = [json.loads(out)["started"] for out, _ in ends]
    assert sorted(started) == [False, True]
    leader(prefsift, "api")
    leader(prefsift, "worker")


def test_a_taken_port_is_one_clear_line_and_starts_nothing(prefsift: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = prefsift("up", "--port", str(port), code=1)
    assert said.startswith(f"error: 127.0.0.1:{port} can't be used (Address already in use)")
    assert said.count("\n") == 1
    assert left_running(prefsift.home) == []


@pytest.mark.parametrize("scheme", ["redis", "nonsense"])
def test_a_start_that_fails_stops_what_it_began(prefsift: Command, scheme: str) -> None:
    url = f"{scheme}://:secret@127.0.0.1:1/0"
    said = Command(prefsift.home, CELERY_BROKER_URL=url)("up", "--port", "0", code=1)
    assert said.startswith(f"error: the broker at {scheme}://127.0.0.1:1/0 does not answer")
    assert said.count("\n") == 1
    assert left_running(prefsift.home) == []


def test_a_home_that_cannot_be_written_is_one_clear_line() -> None:
    said = Command(Path("/proc/prefsift"))("up", code=1)
    assert said.startswith("error: can't write to /proc/prefsift")
    assert said.count("\n") == 1


def test_servers_of_ones_own_replace_the_embedded_ones(prefsift: Command) -> None:
    url = postgres.start(prefsift.home.parent / "theirs")
    own = Command(prefsift.home, DATABASE_URL=url.replace("postgresql:", "postgres:"))
    try:
        up = own.json("up", "--port", "0", "--concurrency", "1")
        assert datasets(up["url"], up["new_key"]) == []
        assert prefsift.json("status")["running"]  # asks the API's database, not this shell's
        assert not folders.known_folder(prefsift.home.resolve()).exists()
        assert prefsift("down") == "stopped: worker, api, valkey\n"
        assert postgres.is_running(prefsift.home.parent / "theirs")
    finally:
        postgres.stop(prefsift.home.parent / "theirs")
        folders.purge((prefsift.home.parent / "theirs").resolve())


def test_a_worker_in_the_foreground_serves_the_queues_it_is_told(prefsift: Command) -> None:
    worker = prefsift.begin("worker", "--queue", "cpu", "--concurrency", "1")
    assert worker.stderr is not None
    until = time.monotonic() + 90
    said = ""
    while "ready" not in said and time.monotonic() < until:
        said = worker.stderr.readline()
    assert "ready" in said
    assert b"cpu" in processes.arguments_of(worker.pid)
    worker.terminate()
    assert worker.wait(30) == 0
    assert "no queue tpu" in prefsift("worker", "--queue", "tpu", code=2)
