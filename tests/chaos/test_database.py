"""A database that is killed during an upload: nothing is half-visible, and all comes back."""

import os
import signal
import time
from collections.abc import Iterator

import psycopg
import pytest

from service.embedded import postgres
from tests.chaos.stack import Stack, answers, lines, until

pytestmark = pytest.mark.chaos
ROWS = 30_000


def kill_database(stack: Stack) -> None:
    server = postgres.find(stack.home)
    (pid,) = postgres.postmasters(server.data)
    os.kill(pid, signal.SIGKILL)
    until(lambda: not postgres.alive(server))


def restart_database(stack: Stack) -> None:
    postgres.start(stack.home)
    until(lambda: answers(stack.api))  # the pool heals without a restart of the API


def test_killed_while_the_bytes_come_in(stack: Stack) -> None:
    dataset = stack.dataset()
    incoming = stack.home / "files" / "incoming"

    def body() -> Iterator[bytes]:
        content = lines(2000)
        yield content[:1000]
        until(lambda: incoming.is_dir() and list(incoming.iterdir()))
        kill_database(stack)
        yield content[1000:]

    response = stack.upload(dataset, body())
    assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")
    assert response.headers["Retry-After"] == "2"
    restart_database(stack)
    assert stack.api.get(f"/api/v1/datasets/{dataset}/uploads").json()["items"] == []
    assert list(incoming.iterdir()) == []
    again = stack.upload(dataset, lines(2000))
    assert again.status_code == 202
    stack.start_worker()
    assert stack.ended(again.json()["job"]["id"])["result"]["pairs"] == 2000


def test_killed_while_the_rows_are_copied(stack: Stack) -> None:
    dataset = stack.dataset()
    stack.start_worker()
    job = stack.upload(dataset, lines(ROWS)).json()["job"]["id"]
    done = "SELECT sum(rows_done) BETWEEN 1 AND %s FROM shards WHERE job_id = %s"
    until(lambda: stack.one(done, ROWS - 5000, job))
    assert pairs(stack, dataset) == 0
    kill_database(stack)
    assert stack.api.get("/healthz").status_code == 200
    assert stack.api.get(f"/api/v1/jobs/{job}").status_code == 503
    time.sleep(0.5)
    restart_database(stack)
    assert pairs(stack, dataset) in (0, ROWS)
    ended = stack.ended(job)
    assert (ended["state"], ended["result"]["pairs"]) == ("succeeded", ROWS), ended
    assert pairs(stack, dataset) == ROWS


def pairs(stack: Stack, dataset: str) -> int:
    try:
        return stack.one("SELECT count(*) FROM pairs WHERE dataset_id = %s", dataset)
    except psycopg.OperationalError:
        return -1
