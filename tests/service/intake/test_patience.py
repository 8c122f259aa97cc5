"""F05, F06, F08: bodies that are too slow, too large, or forms; over a real socket."""

import selectors
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import func, select

from service import db, files
from service.config import Settings
from service.intake import patience
from service.routes import receiving
from service.tables.datasets import Upload
from tests.service.serving import client_of, serving, workspace_key

MIB = 1 << 20


@pytest.fixture
def api(rung: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """As deployed, but with little patience, and little room for a file."""
    monkeypatch.setattr(patience, "settings", Settings(patience_seconds=1))
    monkeypatch.setattr(receiving, "settings", Settings(max_upload_bytes=4 * MIB))
    protocol = "service.intake.patience:PatientProtocol"
    with workspace_key() as key, serving(http=protocol) as url, client_of(url, key) as client:
        yield client


def connect(api: httpx.Client) -> socket.socket:
    return socket.create_connection((api.base_url.host, api.base_url.port or 80))


def head(api: httpx.Client, path: str, *fields: str) -> bytes:
    named = [f"POST /api/v1{path} HTTP/1.1", "Host: x",
             f"Authorization: {api.headers['Authorization']}", *fields]  # fmt: skip
    return ("\r\n".join(named) + "\r\n\r\n").encode()


def new_dataset(api: httpx.Client) -> str:
    return api.post("/api/v1/datasets", json={"name": "d"}).json()["id"]


def answers(sockets: list[socket.socket], tell: Iterator[bool]) -> list[bytes]:
    """What each was told before the server closed it; each sends a byte now and then."""
    heard, open_ = {each: b"" for each in sockets}, set(sockets)
    with selectors.DefaultSelector() as selector:
        for each in sockets:
            selector.register(each, selectors.EVENT_READ)
        while open_ and next(tell):
            for found, _ in selector.select(0.1):
                each = found.fileobj
                assert isinstance(each, socket.socket)
                try:
                    said = each.recv(1 << 16)
                except ConnectionError:
                    said = b""
                heard[each] += said
                if not said:
                    selector.unregister(each)
                    open_.discard(each)
            for each in open_:
                try:
                    each.send(b"x")
                except OSError:
                    continue
    return [heard[each] for each in sockets]


def asking(api: httpx.Client) -> Iterator[bool]:
    """Meanwhile everybody else is served."""
    until = time.monotonic() + 30
    while True:
        assert api.get("/healthz").status_code == 200
        assert api.get("/api/v1/datasets").status_code == 200
        yield time.monotonic() < until


def test_slow_clients_are_let_go_and_the_others_served(api: httpx.Client) -> None:
    dataset = new_dataset(api)
    made = api.post(f"/api/v1/datasets/{dataset}/upload-sessions")
    at = made.headers["Location"].removeprefix("/api/v1")
    starts = [
        b"GET /healthz HTTP/1.1\r\nX-Slow: ",
        head(api, "/datasets", "Content-Length: 1000"),
        head(api, f"/datasets/{dataset}/uploads", "Content-Length: 100000"),
        head(api, at, "Content-Length: 100000", "Upload-Offset: 0").replace(b"POST", b"PATCH", 1),
        b"",
    ]
    sockets = [connect(api) for _ in range(50)]
    for number, each in enumerate(sockets):
        each.sendall(starts[number % len(starts)])
    heard = answers(sockets, asking(api))
    for number, said in enumerate(heard):
        if number % len(starts) in (1, 2, 3):
            assert said.startswith((b"HTTP/1.1 408", b"HTTP/1.1 409")), said
            assert b"connection: close" in said.lower() or b" 409 " in said
        else:
            assert b" 200 " not in said
    for each in sockets:
        each.close()
    with db.new_session() as session:
        assert session.scalar(select(func.count()).select_from(Upload)) == 0


def test_a_slow_second_request_is_let_go_too(api: httpx.Client) -> None:
    with connect(api) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 200 " in connection.recv(1 << 16)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        (said,) = answers([connection], asking(api))
    assert b" 200 " not in said


def told(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    said = b""
    try:
        while block := connection.recv(1 << 16):
            said += block
    except ConnectionError:
        pass
    return said


def test_a_file_that_says_it_is_too_large_is_not_read(api: httpx.Client) -> None:
    with connect(api) as connection:
        path = f"/datasets/{new_dataset(api)}/uploads"
        connection.sendall(head(api, path, f"Content-Length: {4 * MIB + 1}"))
        said = told(connection)
    assert said.startswith(b"HTTP/1.1 413")
    assert b"upload_too_large" in said


def test_a_file_that_does_not_say_it_is_read_up_to_the_limit(api: httpx.Client) -> None:
    sent = 0
    with connect(api) as connection:
        connection.settimeout(20)
        path = f"/datasets/{new_dataset(api)}/uploads"
        connection.sendall(head(api, path, "Transfer-Encoding: chunked"))
        try:
            while sent < 100 * MIB:
                connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                sent += 0x10000
        except OSError:
            pass
    # What the sockets of both sides hold on top of a block.
    assert 4 * MIB < sent < 24 * MIB
    file_system, folder = files.path_of(files.INCOMING)
    assert file_system.ls(folder) == []


@pytest.mark.parametrize("start", ["upload", "session"])
def test_a_form_is_refused_before_it_is_read(api: httpx.Client, start: str) -> None:
    path, method, fields = f"/datasets/{new_dataset(api)}/uploads", b"POST", []
    if start == "session":
        made = api.post("/api/v1" + path.replace("uploads", "upload-sessions"))
        path, method = made.headers["Location"].removeprefix("/api/v1"), b"PATCH"
        fields = ["Upload-Offset: 0"]
    form = ["Content-Type: multipart/form-data; boundary=b", "Content-Length: 1000000", *fields]
    with connect(api) as connection:
        connection.sendall(head(api, path, *form).replace(b"POST", method, 1))
        said = told(connection)
    assert said.startswith(b"HTTP/1.1 415")
    assert b"multipart_not_read" in said


def test_a_form_for_a_json_route_is_small_or_refused(api: httpx.Client) -> None:
    parts = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n' for _ in range(100)
    )
    for body in (parts, parts * 500, b"--b\r\n" + b"x" * 10 * MIB):
        fields = {"Content-Type": "multipart/form-data; boundary=b"}
        try:
            refused = api.post("/api/v1/datasets", content=body, headers=fields)
        except httpx.TransportError:  # closed while the body was on its way
            assert len(body) > MIB
            continue
        assert refused.status_code == (422 if len(body) < MIB else 413)
    assert api.get("/healthz").status_code == 200
