"""Uploads over a real socket: what only a real server and real commits can show."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
from sqlalchemy import func, select

from service import db, files
from service.tables.datasets import Upload
from service.tables.jobs import Job
from tests.service.intake.uploading import trl


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
