"""F37: the API is killed around the commit of a POST; the client sends it again with its key."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

import httpx
import pytest
from sqlalchemy import func, select

from service import db, files
from service.tables.datasets import Dataset, Upload
from service.tables.jobs import Job
from tests.service.intake.uploading import trl
from tests.service.serving import client_of, serving, workspace_key

pytestmark = pytest.mark.chaos

# The first commit of this process is its last, before or after the database has heard of it.
SERVER = """
import os, signal, socket, sys, uvicorn
from sqlalchemy import event
from sqlalchemy.orm import Session
from service.app import app

def die(session):
    if not session.in_nested_transaction():  # a savepoint is no commit
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Session, sys.argv[1], die, insert=True)
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_config=None)).run([listening])
"""
KEY = {"Idempotency-Key": "once"}


@contextmanager
def doomed(point: str, key: str) -> Generator[httpx.Client]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, point], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, env=os.environ,
    )  # fmt: skip
    assert process.stdout
    try:
        port = process.stdout.readline().strip()
        with client_of(f"http://127.0.0.1:{port}", key) as client:
            yield client
    finally:
        process.kill()
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL


def create(client: httpx.Client) -> httpx.Response:
    return client.post("/api/v1/datasets", json={"name": "d"}, headers=KEY)


def killed(point: str, key: str, request: Callable[[httpx.Client], httpx.Response]) -> None:
    with doomed(point, key) as client, pytest.raises(httpx.TransportError):
        request(client)


@pytest.mark.parametrize("point", ["before_commit", "after_commit"])
def test_a_dataset_is_made_once_whenever_the_api_dies(point: str) -> None:
    with workspace_key() as key:
        killed(point, key, create)
        with db.new_session() as session:
            first = session.scalars(select(Dataset.id)).all()
        assert len(first) == (point == "after_commit")
        with serving() as url, client_of(url, key) as client:
            again = create(client)
            assert again.status_code == 201
            assert ("Idempotent-Replayed" in again.headers) == bool(first)
            found = client.get("/api/v1/datasets").json()["items"]
        assert [item["id"] for item in found] == [again.json()["id"]]
        assert [str(dataset) for dataset in first] in ([], [again.json()["id"]])


@pytest.mark.usefixtures("rung")
@pytest.mark.parametrize("point", ["before_commit", "after_commit"])
def test_an_upload_is_taken_once_whenever_the_api_dies(point: str) -> None:
    with workspace_key() as key, serving() as url, client_of(url, key) as client:
        dataset = client.post("/api/v1/datasets", json={"name": "d"}).json()["id"]

        def upload(client: httpx.Client) -> httpx.Response:
            at = f"/api/v1/datasets/{dataset}/uploads"
            return client.post(at, content=trl(20), headers=KEY)

        killed(point, key, upload)
        again = upload(client)
        assert again.status_code == 202
        assert ("Idempotent-Replayed" in again.headers) == (point == "after_commit")
        with db.new_session() as session:
            counts = [session.scalar(select(func.count()).select_from(t)) for t in (Upload, Job)]
            stored = session.scalars(select(Upload.sha256)).one()
        assert counts == [1, 1]
        assert files.get(files.upload_key(stored)) == trl(20)
