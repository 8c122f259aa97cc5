"""Resumable uploads over a real socket: broken connections, two at once, a restart."""

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.service.intake.uploading import trl
from tests.service.serving import client_of, serving, workspace_key

CONTENT = trl(20_000)


def begin(api: httpx.Client, **options: int) -> str:
    dataset = api.post("/api/v1/datasets", json={"name": "d"}).json()["id"]
    made = api.post(f"/api/v1/datasets/{dataset}/upload-sessions", params=options)
    return made.headers["Location"]


def offset(api: httpx.Client, at: str) -> int:
    return int(api.head(at).headers["Upload-Offset"])


def test_a_connection_that_breaks_leaves_what_arrived(
    api: httpx.Client, rung: list[tuple[str, str]]
) -> None:
    at = begin(api, size=len(CONTENT))
    half = len(CONTENT) // 2
    address = (api.base_url.host, api.base_url.port or 80)
    with socket.create_connection(address) as connection:
        head = f"PATCH {at} HTTP/1.1\r\nHost: x\r\nAuthorization: {api.headers['Authorization']}"
        head += f"\r\nUpload-Offset: 0\r\nContent-Length: {len(CONTENT)}\r\n\r\n"
        connection.sendall(head.encode() + CONTENT[:half])
        time.sleep(0.3)
    until = time.monotonic() + 20
    while not (done := offset(api, at)) and time.monotonic() < until:
        time.sleep(0.02)
    assert 0 < done <= half
    assert rung == []
    made = api.patch(at, content=CONTENT[done:], headers={"Upload-Offset": str(done)})
    assert made.json()["upload"]["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert len(rung) == 1


@pytest.mark.usefixtures("rung")
def test_of_two_parts_at_once_one_wins(api: httpx.Client) -> None:
    at, gate = begin(api), threading.Barrier(6)

    def append(number: int) -> httpx.Response:
        def body() -> Iterator[bytes]:
            yield b"%d" % number
            gate.wait(20)
            yield b"!"

        return api.patch(at, content=body(), headers={"Upload-Offset": "0"})

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(append, range(6)))
    assert sorted(answer.status_code for answer in answers) == [204] + [409] * 5
    assert {answer.headers["Upload-Offset"] for answer in answers} == {"2"}


def test_two_that_complete_at_once_make_one_upload(
    api: httpx.Client, rung: list[tuple[str, str]]
) -> None:
    at = begin(api)
    api.patch(at, content=CONTENT, headers={"Upload-Offset": "0"})
    headers = {"Upload-Offset": str(len(CONTENT)), "Upload-Complete": "?1"}
    with ThreadPoolExecutor(6) as threads:
        waiting = [threads.submit(api.patch, at, headers=headers) for _ in range(6)]
        answers = [each.result() for each in waiting]
    assert {answer.status_code for answer in answers} <= {200, 202, 423}
    made = [answer.json()["upload"]["id"] for answer in answers if answer.status_code != 423]
    assert len(set(made)) == 1
    assert len(rung) == 1


@pytest.mark.usefixtures("rung")
def test_a_session_outlives_its_server() -> None:
    with workspace_key() as key:
        with serving() as url, client_of(url, key) as api:
            at = begin(api, size=len(CONTENT))
            api.patch(at, content=CONTENT[:70_000], headers={"Upload-Offset": "0"})
        with serving() as url, client_of(url, key) as api:
            assert offset(api, at) == 70_000
            headers = {"Upload-Offset": "70000"}
            made = api.patch(at, content=CONTENT[70_000:], headers=headers)
            assert made.json()["upload"]["sha256"] == hashlib.sha256(CONTENT).hexdigest()
