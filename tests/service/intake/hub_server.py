"""A small hub on loopback: the two parts of the hub's API that an import asks for, and more."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """`files`: path -> content; `moved`: path -> where it redirects to; `seen`: (path, token)."""

    def __init__(self, files: dict[str, bytes], card: dict[str, Any] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.files, self.card = files, card
        self.moved: dict[str, str] = {}
        self.seen: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Hub)
        path = self.path.partition("?")[0]
        self.server.seen.append((path, self.headers.get("Authorization")))
        name = path.partition(f"/resolve/{COMMIT}/")[2]
        if path in self.server.moved:
            self.send_response(302)
            self.send_header("Location", self.server.moved[path])
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif path.startswith("/api/datasets/org/pairs"):
            self.send(orjson.dumps(info(self.server)), "application/json")
        elif name in self.server.files:
            self.send(self.server.files[name], "application/octet-stream")
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def send(self, content: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def info(hub: Hub) -> dict[str, Any]:
    siblings = [{"rfilename": name, "size": len(content)}
                for name, content in hub.files.items()]  # fmt: skip
    found = {"_id": "1", "id": "org/pairs", "sha": COMMIT, "siblings": siblings, "tags": [],
             "private": False, "downloads": 0, "likes": 0}  # fmt: skip
    return found | ({"cardData": hub.card} if hub.card else {})


@contextmanager
def hub(files: dict[str, bytes], card: dict[str, Any] | None = None) -> Generator[Hub]:
    server = Hub(files, card)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
