"""A misspelt query parameter is an error, not silence."""

import pytest
from fastapi.testclient import TestClient

from tests.service.intake.uploading import ingested, new_dataset, trl


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("pairs?wher=votes%20%3E%2099", "wher"),
        ("pairs?limit=2&limits=3", "limits"),
        ("pairs.ndjson?labels=raw&filter=x", "filter"),
        ("records.ndjson?label=denoised", "label"),
        ("uploads?limits=2", "limits"),
    ],
)
@pytest.mark.usefixtures("rung")
def test_a_parameter_that_a_route_does_not_know_is_named(
    client: TestClient, path: str, name: str
) -> None:
    dataset = new_dataset(client)
    ingested(client, dataset, trl(3))
    answer = client.get(f"/api/v1/datasets/{dataset}/{path}")
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert (problem["code"], problem["field"]) == ("unknown_parameter", name)
    assert f"no query parameter '{name}': it " in problem["detail"]


def test_those_it_knows_are_told(client: TestClient) -> None:
    answer = client.get("/api/v1/jobs?sate=queued")
    assert answer.json()["detail"].startswith("no query parameter 'sate': it knows ")
    assert "limit" in answer.json()["detail"]


def test_clients_of_other_viewers_and_probes_may_send_more(client: TestClient) -> None:
    dataset = new_dataset(client)
    answer = client.get(f"/api/v1/datasets/{dataset}/size", params={"revision": "main"})
    assert answer.status_code == 200, answer.text
    assert client.get("/healthz?from=probe").status_code == 200
