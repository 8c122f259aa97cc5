"""Exports over REST with their job run as a worker would, unpacked."""

import tarfile
import uuid
from io import BytesIO
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from service.tables.jobs import JobKind
from workers.exporting import Exporting
from workers.protocol import run_job


def exported(client: TestClient, owner: str, out: Path, **body: Any) -> dict[str, Any]:
    """The export of "datasets/ID" or "subsets/ID" once its job has ended, unpacked at `out`."""
    made = client.post(f"/api/v1/{owner}/exports", json=body)
    assert made.status_code == 202, made.text
    job = made.json()["job"]["id"]
    run_job(uuid.UUID(job), ("cpu",), {JobKind.export: Exporting()})
    id = made.json()["export"]["id"]
    found = client.get(f"/api/v1/exports/{id}").json()
    if found["state"] == "ready":
        archive = client.get(f"/api/v1/exports/{id}/archive").content
        with tarfile.open(fileobj=BytesIO(archive)) as tar:
            tar.extractall(out, filter="data")
    return found | {"job": client.get(f"/api/v1/jobs/{job}").json()}


def refused(client: TestClient, owner: str, **body: Any) -> dict[str, Any]:
    """The problem of an export whose job fails."""
    found = exported(client, owner, Path(), **body)
    assert found["state"] == "failed"
    return found["job"]["error"]
