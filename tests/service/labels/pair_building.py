"""Builds pairs over REST and runs the job, as a worker would."""

import uuid
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi.testclient import TestClient

from service.tables.jobs import JobKind
from workers.pairing import Pairing
from workers.protocol import run_job


def rating_lines(scores: Mapping[str, Mapping[str, float]]) -> bytes:
    """A native line a response: prompt -> {answer: value}; answers name their own model."""
    rows = [
        {
            "messages": [{"role": "user", "content": prompt}],
            "responses": [{"id": "r", "text": f"{prompt} {answer}", "model": answer}],
            "ratings": [{"response": "r", "value": value, "annotator": "ann", "scale": [1, 7]}],
        }
        for prompt, given in scores.items()
        for answer, value in given.items()
    ]
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def ask(client: TestClient, dataset: str, policy: Any = None, **options: Any) -> Any:
    body = {"policy": policy, **options}
    return client.post(f"/api/v1/datasets/{dataset}/pair-builds", json=body)


def built(client: TestClient, dataset: str, policy: Any = None) -> dict[str, Any]:
    """The build once its job has ended."""
    made = ask(client, dataset, policy)
    assert made.status_code in (200, 202), made.text
    job = made.json()["job"]["id"]
    run_job(uuid.UUID(job), ("cpu",), {JobKind.pair_build: Pairing()})
    id = made.json()["build"]["id"]
    found = client.get(f"/api/v1/datasets/{dataset}/pair-builds/{id}").json()
    return found | {"job": client.get(f"/api/v1/jobs/{job}").json()}


def pairs_of(client: TestClient, dataset: str) -> list[dict[str, Any]]:
    return client.get(f"/api/v1/datasets/{dataset}/pairs?limit=1000").json()["items"]


def texts(pairs: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(pair["chosen"]["text"], pair["rejected"]["text"]) for pair in pairs}
