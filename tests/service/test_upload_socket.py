"""Uploads over a real socket: what only a real server and real commits can show."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import uvicorn
from sqlalchemy import delete, func, select

from service import db, files
from service.app import app
from service.auth import create_key
from service.tables.access import Workspace
from service.tables.datasets import Upload
from service.tables.jobs import Job
from tests.service.uploading import trl


@pytest.fixture
def api(rung: list[tuple[str, str]]) -> Iterator[httpx.Client]:
    """A client of a server in a thread; its workspace is committed, and deleted in the end."""
    with db.new_session.begin() as session:
        workspace = Workspace(name="socket")
        session.add(workspace)
        session.flush()
        key = create_key(session, workspace, "socket")
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as client:
        yield client
    server.should_exit = True
    thread.join(10)
    with db.new_session.begin() as session:
        session.execute(delete(Workspace).where(Workspace.id == workspace.id))


def uploads_and_jobs() -> tuple[int, int]:
    with db.new_session() as session:
        counts = [
            session.scalar(select(func.count()).select_from(table)) for table in (Upload, Job)
        ]
    return counts[0] or 0, counts[1] or 0


def test_the_same_file_at_once_is_one_upload(
    api: httpx.Client, rung: list[tuple[str, str]]
) -> None:
    dataset = api.post("/api/v1/datasets", json={"name": "d"}).json()["id"]
    gate = threading.Barrier(8)

    def upload(_: int) -> httpx.Response:
        def body() -> Iterator[bytes]:
            yield trl(5000)[:1000]
            gate.wait(20)  # all are in the middle of their bodies
            yield trl(5000)[1000:]

        return api.post(f"/api/v1/datasets/{dataset}/uploads", content=body())

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(upload, range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [202]
    assert len({answer.json()["upload"]["id"] for answer in answers}) == 1
    assert len({answer.json()["job"]["id"] for answer in answers}) == 1
    assert uploads_and_jobs() == (1, 1)
    assert len(rung) == 1


def test_a_client_that_goes_away_leaves_nothing(
    api: httpx.Client, rung: list[tuple[str, str]]
) -> None:
    dataset = api.post("/api/v1/datasets", json={"name": "d"}).json()["id"]
    key = api.headers["Authorization"]
    with socket.create_connection((api.base_url.host, api.base_url.port or 80)) as connection:
        head = f"POST /api/v1/datasets/{dataset}/uploads HTTP/1.1\r\nHost: x\r\n"
        head += f"Authorization: {key}\r\nContent-Length: 10000000\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 5_000_000)
        until_incoming(1)
    until_incoming(0)
    assert uploads_and_jobs() == (0, 0)
    assert rung == []


def until_incoming(n: int) -> None:
    file_system, folder = files.path_of("incoming")
    for _ in range(500):
        if file_system.exists(folder) and len(file_system.ls(folder)) == n:
            return
        time.sleep(0.02)
    raise AssertionError(f"not {n} files on their way in")
