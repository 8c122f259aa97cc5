"""The client of the API against a real server that misbehaves on purpose."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest

from service.cli import client
from service.cli.client import Api, ApiError
from service.cli.pipeline import Request, dataset_name, inside, shown_name
from service.cli.remote import dataset_named


class Script(BaseHTTPRequestHandler):
    """Answers with what the test planned, in order; remembers what it was asked."""

    planned: ClassVar[list[tuple[int, Any]]] = []
    asked: ClassVar[list[tuple[str, str, bytes]]] = []

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append((self.command, self.path, body))
        status, answer = self.planned.pop(0)
        content = orjson.dumps(answer)
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Not into the test's output."""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setattr(client, "LONGEST_WAIT", 0.01)
    monkeypatch.setattr(client, "POLL_SECONDS", 0.01)
    Script.planned, Script.asked = [], []
    with ThreadingHTTPServer(("127.0.0.1", 0), Script) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Api(f"http://127.0.0.1:{server.server_port}", "key")
        server.shutdown()


def test_a_service_that_is_away_for_a_moment_is_asked_again(api: Api, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10)
    Script.planned += [(503, {}), (503, {}), (202, {"job": 1})]
    sent: list[int] = []
    assert api.upload("d", path, {"mode": "partial"}, sent.append) == {"job": 1}
    assert [body for _, _, body in Script.asked] == [b"x" * 10] * 3
    assert Script.asked[0][1] == "/api/v1/datasets/d/uploads?mode=partial"
    assert sent == [10] * 3


def test_it_gives_up_in_the_end(api: Api) -> None:
    Script.planned += [(503, {"detail": "away", "code": "unavailable"})] * client.ATTEMPTS
    with pytest.raises(ApiError, match="away") as caught:
        api.get("/datasets")
    assert (caught.value.code, caught.value.exit_code) == ("unavailable", 1)


@pytest.mark.parametrize(("status", "code"), [(401, 2), (404, 2), (409, 1), (422, 2), (500, 1)])
def test_a_refusal_becomes_a_message_and_an_exit_code(api: Api, status: int, code: int) -> None:
    problem = {"detail": "no such thing", "code": "c", "line": 3, "field": "f"}
    Script.planned.append((status, problem))
    with pytest.raises(ApiError, match=r"no such thing \(line 3, field f\)") as caught:
        api.post("/datasets", {})
    assert caught.value.exit_code == code


def test_a_refusal_says_what_to_type(api: Api) -> None:
    problem = {
        "detail": 'no layout; try mapping={"prompt":"The Q"}; known layouts: hh', "code": "c",
        "suggestion": {"prompt": "The Q"}, "line": 1,
    }  # fmt: skip
    Script.planned.append((422, problem))
    with pytest.raises(ApiError) as caught:
        api.post("/datasets", {})
    wanted = "no layout; known layouts: hh; try: --map 'prompt=The Q' (line 1)"
    assert str(caught.value) == wanted


def test_bad_rows_are_told_apart_in_one_line(api: Api) -> None:
    rows = [{"line": n, "message": "wrong", "code": "x"} for n in range(1, 6)]
    Script.planned.append((422, {"detail": "5 of 6 rows are wrong", "errors": rows}))
    with pytest.raises(ApiError) as caught:
        api.post("/datasets", {})
    named = "line 1: wrong (x); line 2: wrong (x); line 3: wrong (x)"
    assert str(caught.value) == f"5 of 6 rows are wrong; {named}"


def test_a_dataset_that_is_not_there_comes_with_names_near_it(api: Api) -> None:
    there = [{"id": "1", "name": "chats"}, {"id": "2", "name": "pairs"}]
    Script.planned += [
        (200, {"items": [], "next_cursor": None}), (200, {"items": there, "next_cursor": None})
    ]  # fmt: skip
    with pytest.raises(ApiError, match="no dataset is named 'chat': there are chats; ") as caught:
        dataset_named(api, "chat")
    assert caught.value.exit_code == 2


def test_pages_are_followed_to_the_last(api: Api) -> None:
    Script.planned += [
        (200, {"items": [1, 2], "next_cursor": "c"}), (200, {"items": [3], "next_cursor": None})
    ]  # fmt: skip
    assert [*api.pages("/jobs", state="running")] == [1, 2, 3]
    assert Script.asked[1][1] == "/api/v1/jobs?state=running&cursor=c"


@pytest.mark.parametrize(
    ("end", "exit_code", "said"),
    [
        ({"state": "cancelled"}, 1, "cancelled"),
        ({"state": "failed", "error": {"detail": "bad rows", "code": "rejected_rows"}}, 3, "bad"),
        ({"state": "failed", "error": {"detail": "died", "code": "worker_lost"}}, 1, "died"),
        ({"state": "failed", "error": None}, 1, "no reason"),
    ],
)
def test_a_job_that_ends_badly_is_an_error(
    api: Api, end: dict[str, Any], exit_code: int, said: str
) -> None:
    job = {"id": "j", "kind": "ingest", "state": "running", "error": None}
    Script.planned += [(200, job), (200, job | end)]
    with pytest.raises(ApiError, match=said) as caught:
        api.follow(job, lambda _: None)
    assert caught.value.exit_code == exit_code


def test_a_dataset_is_named_by_its_bytes_and_how_they_are_read(tmp_path: Path) -> None:
    one, same, other = (tmp_path / name for name in ("a", "b", "c"))
    for path, content in ((one, "x"), (same, "x"), (other, "y")):
        path.write_text(content)
    request = Request([one], "fifa", None, 0, {"mode": "partial"}, None)
    name = dataset_name(request)
    assert name == dataset_name(request._replace(files=[same, one], seed=1, recipe="random"))
    assert name != dataset_name(request._replace(files=[other]))
    assert name != dataset_name(request._replace(upload={"mode": "atomic"}))


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "data/../../x", ""])
def test_a_server_cannot_name_a_file_outside_of_the_export(name: str) -> None:
    with pytest.raises(ApiError, match="outside"):
        inside(name)


def test_a_file_name_is_sent_without_control_characters() -> None:
    assert shown_name(Path("a\nb\x00" + "c" * 300)) == "a?b?" + "c" * 196
