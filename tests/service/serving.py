"""A real server in a thread, and a client of it, whose workspace is committed."""

import threading
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from sqlalchemy import delete

from service import db
from service.app import app
from service.auth import create_key
from service.tables.access import Workspace


@contextmanager
def serving(**config: Any) -> Generator[str]:
    """The URL of the server, which ends with the block."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, **config))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def workspace_key() -> Generator[str]:
    """A key of a new workspace, which is deleted in the end."""
    with db.new_session.begin() as session:
        workspace = Workspace(name=f"socket-{uuid.uuid4()}")
        session.add(workspace)
        session.flush()
        key = create_key(session, workspace, "socket")
    try:
        yield key
    finally:
        with db.new_session.begin() as session:
            session.execute(delete(Workspace).where(Workspace.id == workspace.id))


@contextmanager
def client_of(url: str, key: str) -> Generator[httpx.Client]:
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        yield client
