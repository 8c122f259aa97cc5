"""The API as a process of its own, as deployed; its jobs are run here, as a worker runs them."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import orjson
from sqlalchemy import select, text

from service import db, files
from service.tables.jobs import FINAL_STATES, Job, JobKind
from tests.service.serving import client_of, workspace_key
from tests.workers.stored import NOT_FINITE, orphans
from workers.ingesting import Ingesting
from workers.protocol import run_job

HANDLERS = {JobKind.ingest: Ingesting()}


class Server(NamedTuple):
    process: subprocess.Popen[bytes]
    url: str
    folder: Path  # where it was started

    def memory(self) -> int:
        """Most bytes that the process ever held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])


class Dataset(NamedTuple):
    """A dataset of a workspace of its own, on that server."""

    server: Server
    api: httpx.Client
    id: str

    def post(self, content: Any, **options: Any) -> httpx.Response:
        return self.api.post(f"/api/v1/datasets/{self.id}/uploads", content=content, params=options)

    def look(self, content: bytes, **options: Any) -> httpx.Response:
        """How the file would be read."""
        return self.post(content, dry_run="true", **options)

    def ingest(self, content: bytes, **options: Any) -> dict[str, Any]:
        """The upload once its job has ended."""
        made = self.post(content, **options)
        assert made.status_code == 202, made.text
        run_job(uuid.UUID(made.json()["job"]["id"]), ("cpu",), HANDLERS)
        return self.api.get(f"/api/v1/uploads/{made.json()['upload']['id']}").json()

    def refusal(self, content: bytes, **options: Any) -> dict[str, Any]:
        """The problem of a file that is refused as a whole."""
        upload = self.ingest(content, **options)
        assert (upload["state"], upload["rows_in"]) == ("failed", None)
        return upload["error"]

    def rejects(self, upload: dict[str, Any]) -> list[dict[str, Any]]:
        body = self.api.get(f"/api/v1/uploads/{upload['id']}/rejects").content
        return [orjson.loads(line) for line in body.split(b"\n") if line]

    def pairs(self) -> list[dict[str, Any]]:
        return self.api.get(f"/api/v1/datasets/{self.id}/pairs").json()["items"]


@contextmanager
def served(folder: Path) -> Generator[Server]:
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "service.app:app", "--port", "0",
         "--http", "service.intake.patience:PatientProtocol"],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, cwd=folder,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr
    try:
        for line in process.stderr:
            if b"running on http" in line:
                url = line.partition(b"running on ")[2].split()[0].decode()
                break
        else:
            raise AssertionError("the server did not start")
        with open(process.stderr.fileno(), "rb", closefd=False) as rest:
            subprocess.Popen(["cat"], stdin=rest, stdout=subprocess.DEVNULL)  # never full
        yield Server(process, url, folder)
    finally:
        process.terminate()
        process.wait(20)
        process.stderr.close()


@contextmanager
def audited(server: Server) -> Generator[Dataset]:
    """A dataset; in the end, what must hold after any fault."""
    before, pid = stored(), server.process.pid
    with workspace_key() as key, client_of(server.url, key) as api:
        api.timeout = httpx.Timeout(120)
        made = api.post("/api/v1/datasets", json={"name": "faults"})
        yield Dataset(server, api, made.json()["id"])
        assert server.process.poll() is None
        assert server.process.pid == pid
        assert api.get("/healthz").status_code == 200
        check_rows()
        check_files(before)
        assert os.listdir(server.folder) == []


def check_rows() -> None:
    with db.new_session() as session:
        assert orphans(session) == 0
        assert session.scalar(text(NOT_FINITE)) == 0
        wrong = "SELECT count(*) FROM uploads WHERE rows_in <> accepted + rejected"
        assert session.scalar(text(wrong)) == 0
        told = """
        SELECT count(*) FROM uploads u WHERE state = 'ingested' AND rejected <>
            (SELECT count(*) FROM rejects r WHERE r.upload_id = u.id)
        """
        assert session.scalar(text(told)) == 0
        lines = """
        SELECT count(*) FROM uploads u WHERE state = 'ingested' AND accepted <>
            (SELECT count(DISTINCT line) FROM records r WHERE r.upload_id = u.id)
        """
        assert session.scalar(text(lines)) == 0
        failed = """
        SELECT count(*) FROM uploads u JOIN records r ON r.upload_id = u.id WHERE state = 'failed'
        """
        assert session.scalar(text(failed)) == 0
        states = session.scalars(select(Job.state)).all()
        assert set(states) <= {*FINAL_STATES, "queued"}


def check_files(before: set[str]) -> None:
    """No file without a row, no row without its file, nothing half-way."""
    with db.new_session() as session:
        known = {
            bytes(sha256).hex() for sha256 in session.scalars(text("SELECT sha256 FROM uploads"))
        }
    found = {path.rsplit("/", 1)[-1] for path in stored()}
    old = {path.rsplit("/", 1)[-1] for path in before}
    assert found - old <= known
    assert known <= found
    assert until_empty(files.INCOMING)


def stored() -> set[str]:
    file_system, folder = files.path_of("uploads")
    return set(file_system.find(folder)) if file_system.exists(folder) else set()


def until_empty(folder: str) -> bool:
    """A request whose client has gone may take a moment to tidy up."""
    file_system, path = files.path_of(folder)
    for _ in range(200):
        if not file_system.exists(path) or not file_system.ls(path):
            return True
        time.sleep(0.05)
    return False
