"""A whole service as processes of its own: database, broker, API, workers, to be killed at will."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg

from service.auth import digest
from service.embedded import postgres, valkey

ROOT = Path(__file__).parents[2]
KEY = "pfs_chaos"
LEASE_SECONDS = 2.0
REAP_SECONDS = 0.25
Found = TypeVar("Found")


def until(found: Callable[[], Found], seconds: float = 30) -> Found:
    """What the callable returns once it is true; AssertionError when the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := found():
            return result
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {found}")


@dataclass
class Stack:
    home: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])

    def __post_init__(self) -> None:
        self.database_url = postgres.start(self.home)
        self.starts = self.home / "starts"
        self.environment = {
            **os.environ,
            "DATABASE_URL": self.database_url,
            "CELERY_BROKER_URL": valkey.start(self.home),
            "PREFSIFT_HOME": str(self.home),
            "PREFSIFT_LEASE_SECONDS": str(LEASE_SECONDS),
            "PREFSIFT_REAP_SECONDS": str(REAP_SECONDS),
            "OMP_NUM_THREADS": "1",
            "STARTS": str(self.starts),
        }
        migrate = [sys.executable, "-c", "from service import schema; schema.upgrade()"]
        subprocess.run(migrate, cwd=ROOT, env=self.environment, check=True)
        self.workspace = self.one("INSERT INTO workspaces (name) VALUES ('chaos') RETURNING id")
        self.one(
            "INSERT INTO api_keys (workspace_id, name, prefix, digest) "
            "VALUES (%s, 'chaos', 'pfs_chao', %s) RETURNING 1",
            self.workspace, digest(KEY),
        )  # fmt: skip
        self.api = self.start_api()

    def start_api(self) -> httpx.Client:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.spawn("api", "-m", "uvicorn", "service.app:app", "--port", str(port))
        headers = {"Authorization": f"Bearer {KEY}"}
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20)
        until(lambda: answers(client))
        return client

    def start_worker(self, processes: int = 1) -> subprocess.Popen[bytes]:
        app = ("-A", "tests.chaos.worker", "worker", "-c", str(processes), "-n", uuid.uuid4().hex)
        return self.spawn("worker", "-m", "celery", *app)

    def spawn(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=(self.home / f"{name}.log").open("ab"), stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def stop(self) -> None:
        self.api.close()
        for process in self.processes:
            kill(process)
        postgres.stop(self.home)
        valkey.stop(self.home)

    def one(self, query: str, *values: Any) -> Any:
        """The first value of the first row, over a connection of its own, committed."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            row = connection.execute(query, values).fetchone()  # pyright: ignore[reportArgumentType]
        return row[0] if row else None

    def dataset(self) -> str:
        name = {"name": uuid.uuid4().hex}
        return self.api.post("/api/v1/datasets", json=name).raise_for_status().json()["id"]

    def upload(self, dataset: str, content: Any) -> httpx.Response:
        return self.api.post(f"/api/v1/datasets/{dataset}/uploads", content=content)

    def score(self, dataset: str) -> str:
        body = {"signals": [{"kind": "style"}]}
        response = self.api.post(f"/api/v1/datasets/{dataset}/jobs", json=body)
        assert response.status_code == 202, response.text
        return response.json()["id"]

    def chaos_job(self, spec: str) -> str:
        """A job that no doorbell is rung for: the reaper finds it."""
        job = self.one(
            "INSERT INTO jobs (workspace_id, kind, spec, stages, rung_at) VALUES "
            "(%s, 'evaluate', %s, '[\"split\"]', now() - interval '1 hour') RETURNING id",
            self.workspace, spec,
        )  # fmt: skip
        self.one(
            "INSERT INTO shards (job_id, stage, ordinal, payload) VALUES (%s, -1, 0, '{}') "
            "RETURNING 1",
            job,
        )
        return str(job)

    def job(self, job: str) -> dict[str, Any]:
        return self.api.get(f"/api/v1/jobs/{job}").raise_for_status().json()

    def ended(self, job: str, seconds: float = 40) -> dict[str, Any]:
        final = ("succeeded", "failed", "cancelled")
        until(lambda: self.job(job)["state"] in final, seconds)
        return self.job(job)

    def starts_of(self, job: str) -> int:
        return self.starts.read_text().split().count(job) if self.starts.exists() else 0


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def kill(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGKILL) -> None:
    """A signal to the process and all its children."""
    try:
        os.killpg(process.pid, how)
    except ProcessLookupError:
        return
    if how == signal.SIGKILL:
        process.wait()


def lines(pairs: int, name: str = "x") -> bytes:
    """A JSONL file of distinct pairs."""
    template = '{"prompt": "%s %d?", "chosen": "yes, %d of them", "rejected": "no %d"}\n'
    return b"".join((template % (name, n, n, n)).encode() for n in range(pairs))
