"""Large files through a connection that breaks again and again."""

import hashlib
import socket
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from service.cli import sending
from service.cli.client import Api, ApiError
from service.cli.sending import send
from service.config import Settings
from service.intake import resumable
from tests.service.intake.uploading import trl
from tests.service.serving import serving, workspace_key

CONTENT = trl(4000)


@contextmanager
def breaking(url: str, limits: Iterator[int]) -> Generator[str]:
    """A proxy that cuts each connection after the next number of bytes from the client."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    near = listening.accept()[0]
                    far = socket.create_connection((host, int(port)))
                    threading.Thread(target=pump, args=(far, near, 1 << 60), daemon=True).start()
                    limit = next(limits, 1 << 60)
                    threading.Thread(target=pump, args=(near, far, limit), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def pump(source: socket.socket, target: socket.socket, limit: int) -> None:
    """Copy up to so many bytes, then close both."""
    with suppress(OSError):
        while limit and (block := source.recv(min(limit, 1 << 14))):
            target.sendall(block)
            limit -= len(block)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def key(rung: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(sending, "settings", Settings(resumable_bytes=1000))
    monkeypatch.setattr(sending, "PART", 30_000)
    monkeypatch.setattr(sending, "LONGEST_WAIT", 0.01)
    monkeypatch.setattr(resumable, "PART_BYTES", 5000)
    with workspace_key() as key:
        yield key


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "large.jsonl"
    path.write_bytes(CONTENT)
    return path


def new_dataset(api: Api) -> str:
    return api.post("/datasets", {"name": "d"})["id"]


def test_a_file_arrives_whole_however_often_the_connection_breaks(key: str, path: Path) -> None:
    seen: list[int] = []
    limits = iter([1000, 40_000, 31_000, 200, 90_000, 35_000, 100])
    with serving() as url, breaking(url, limits) as way:
        api = Api(way, key)
        dataset = new_dataset(Api(url, key))
        made = send(api, dataset, path, {"filename": "x"}, seen.append)
    assert made["upload"]["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert seen == sorted(seen)
    assert seen[-1] == len(CONTENT)


def test_the_same_file_again_goes_on_where_it_was(key: str, path: Path) -> None:
    class Stopped(Exception):
        """Ctrl-C, say."""

    def stop(done: int) -> None:
        if done > 50_000:
            raise Stopped

    seen: list[int] = []
    with serving() as url:
        api = Api(url, key)
        dataset = new_dataset(api)
        with pytest.raises(Stopped):
            send(api, dataset, path, {"mode": "atomic"}, stop)
        made = send(Api(url, key), dataset, path, {"mode": "atomic"}, seen.append)
        again = send(Api(url, key), dataset, path, {"mode": "atomic"}, seen.append)
    assert seen[0] == 60_000
    assert made["upload"]["mode"] == "atomic"
    assert again["upload"]["id"] == made["upload"]["id"]


def test_a_session_that_is_gone_is_begun_anew(key: str, path: Path) -> None:
    with serving() as url:
        api = Api(url, key)
        dataset = new_dataset(api)
        sender = sending.Sending(api, dataset, path, {}, lambda _: None)
        at = sender.begin(sender.key())
        api.request("DELETE", at)
        made = send(api, dataset, path, {}, lambda _: None)
    assert made["upload"]["size"] == len(CONTENT)


def test_what_the_server_refuses_is_not_tried_again(key: str, path: Path) -> None:
    with serving() as url:
        api = Api(url, key)
        dataset = new_dataset(api)
        with pytest.raises(ApiError) as error:
            send(api, dataset, path, {"layout": "nope"}, lambda _: None)
    assert error.value.code == "unknown_layout"
