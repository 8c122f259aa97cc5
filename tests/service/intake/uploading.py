"""Uploads a file over REST and runs its ingest job, as a worker would."""

import uuid
from typing import Any

import orjson
from fastapi.testclient import TestClient

from service.tables.jobs import JobKind
from workers.ingesting import Ingesting
from workers.protocol import run_job


def new_dataset(client: TestClient, name: str = "pairs") -> str:
    return client.post("/api/v1/datasets", json={"name": name}).json()["id"]


def post(client: TestClient, dataset: str, content: bytes, **options: Any) -> Any:
    return client.post(f"/api/v1/datasets/{dataset}/uploads", content=content, params=options)


def ingested(client: TestClient, dataset: str, content: bytes, **options: Any) -> dict[str, Any]:
    """The upload once its job has ended; `job` is that job."""
    made = post(client, dataset, content, **options)
    assert made.status_code in (200, 202), made.text
    job, upload = made.json()["job"]["id"], made.json()["upload"]["id"]
    run_job(uuid.UUID(job), ("cpu",), {JobKind.ingest: Ingesting()})
    found = client.get(f"/api/v1/uploads/{upload}").json()
    return found | {"job": client.get(f"/api/v1/jobs/{job}").json()}


def rejects(client: TestClient, upload: dict[str, Any]) -> list[dict[str, Any]]:
    body = client.get(f"/api/v1/uploads/{upload['id']}/rejects").content
    return [orjson.loads(line) for line in body.splitlines()]


def counts(upload: dict[str, Any]) -> tuple[int, int, int, int]:
    return upload["rows_in"], upload["accepted"], upload["rejected"], upload["pairs"]


def trl(n: int, prompt: str = "p{i}") -> bytes:
    """n lines, each a pair of its own prompt."""
    rows = (
        {"prompt": prompt.format(i=i), "chosen": f"good {i}", "rejected": f"bad {i}"}
        for i in range(n)
    )
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
