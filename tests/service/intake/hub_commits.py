"""A hub that takes commits: repositories, preupload, the LFS batch and its store."""

import base64
import hashlib
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson

from tests.service.intake.hub_server import Answer, Hub

TOKEN = "hf_writesonly"


@dataclass
class Repository:
    """`files`: path -> content at the head of each branch; `commits`: how many there were."""

    private: bool
    files: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"main": {}})
    commits: int = 0

    @property
    def sha(self) -> str:
        return f"{self.commits:040x}"


class WritableHub(Hub):
    """`refuse`: path beginning -> status it is answered with; `cut`: PUTs to break off."""

    def __init__(self) -> None:
        super().__init__({})
        self.RequestHandlerClass = WritingAnswer
        self.repositories: dict[str, Repository] = {}
        self.stored: dict[str, bytes] = {}  # by sha256
        self.puts: list[str] = []
        self.refuse: dict[str, int] = {}
        self.cut = 0


@contextmanager
def writable_hub() -> Generator[WritableHub]:
    server = WritableHub()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class WritingAnswer(Answer):
    @property
    def hub(self) -> WritableHub:
        assert isinstance(self.server, WritableHub)
        return self.server

    def do_GET(self) -> None:
        self.handled({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        lines = [orjson.loads(line) for line in body.splitlines() if line]
        self.handled({"lines": lines, **(lines[0] if len(lines) == 1 else {})})

    def do_PUT(self) -> None:
        oid = self.path.rpartition("/")[2]
        size = int(self.headers["Content-Length"])
        self.hub.puts.append(oid)
        if self.hub.cut:
            self.hub.cut -= 1
            self.rfile.read(size // 2)
            self.connection.close()
            self.close_connection = True
            return
        body = self.rfile.read(size)
        refused = next((code for path, code in self.hub.refuse.items() if path == "/lfs/"), None)
        if refused or hashlib.sha256(body).hexdigest() != oid:
            self.answer({"error": "no"}, refused or 400)
        else:
            self.hub.stored[oid] = body
            self.answer({})

    def handled(self, body: dict[str, Any]) -> None:
        path = self.path.partition("?")[0]
        self.hub.seen.append((path, self.headers.get("Authorization")))
        refused = [code for start, code in self.hub.refuse.items() if start in path]
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.answer({"error": "who are you?"}, 401)
        elif refused:
            said = self.headers.get("Authorization")
            self.answer({"error": f"this hub refuses {said}"}, refused[0])
        elif path == "/api/repos/create":
            self.create(body)
        elif path == "/api/validate-yaml":
            self.answer({"warnings": [], "errors": []})
        else:
            self.repository_call(path, body)

    def create(self, body: dict[str, Any]) -> None:
        name = f"{body['organization']}/{body['name']}"
        private = body.get("visibility") == "private" or bool(body.get("private"))
        status = 409 if name in self.hub.repositories else 200
        self.hub.repositories.setdefault(name, Repository(private))
        self.answer({"url": f"{self.hub.url}/datasets/{name}"}, status)

    def repository_call(self, path: str, body: dict[str, Any]) -> None:
        parts = path.removeprefix("/api").removeprefix("/datasets/").split("/")
        name = f"{parts[0]}/{parts[1].removesuffix('.git')}"
        repository, action = self.hub.repositories[name], parts[2] if len(parts) > 2 else ""
        branch = unquote(parts[3]) if len(parts) > 3 else "main"
        if action == "branch":
            repository.files.setdefault(branch, dict(repository.files["main"]))
            self.answer({})
        elif action == "preupload":
            self.answer({"files": [mode(each) for each in body["files"]]})
        elif action == "info":
            self.answer({"objects": [self.upload_of(each) for each in body["objects"]]})
        elif action == "commit":
            self.commit(name, branch, body["lines"])
        else:
            files = repository.files[branch]
            listed = [{"rfilename": path, "size": len(files[path])} for path in sorted(files)]
            found = {"_id": "1", "id": name, "sha": repository.sha, "siblings": listed, "tags": []}
            self.answer({**found, "private": repository.private, "downloads": 0, "likes": 0})

    def upload_of(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """No action where the object is there already."""
        if wanted["oid"] in self.hub.stored:
            return wanted
        href = f"{self.hub.url}/lfs/{wanted['oid']}"
        return {**wanted, "actions": {"upload": {"href": href, "header": {}}}}

    def commit(self, name: str, branch: str, lines: list[dict[str, Any]]) -> None:
        """All or nothing, and only upon the commit that the client has seen."""
        repository = self.hub.repositories[name]
        files = dict(repository.files[branch])
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                if value["parentCommit"] != repository.sha:
                    return self.answer({"error": "the branch has moved"}, 412)
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.stored[value["oid"]]
            else:
                del files[value["path"]]
        repository.files[branch] = files
        repository.commits += 1
        url = f"{self.hub.url}/datasets/{name}/commit/{repository.sha}"
        return self.answer({"commitUrl": url, "commitOid": repository.sha})

    def answer(self, body: dict[str, Any], status: int = 200) -> None:
        content = orjson.dumps(body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def mode(file: dict[str, Any]) -> dict[str, Any]:
    big = file["path"].endswith(".parquet")
    return {"path": file["path"], "uploadMode": "lfs" if big else "regular", "shouldIgnore": False}
