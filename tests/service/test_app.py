"""The application's frame: health, documents, errors, limits, and what it must not load."""

import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from curation.recipes import What
from service import schema
from service.app import app
from service.config import MIB
from service.labels.holdings import COUNTED
from service.paging import encode_cursor
from service.routes import catalogue
from service.tables.access import Workspace


def test_it_is_alive_and_ready(session: Session) -> None:
    client = TestClient(app)
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok"}
    assert client.get("/version").json()["schema_revision"] == schema.head()


def test_it_is_not_ready_on_another_schema(session: Session) -> None:
    session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    session.commit()
    response = TestClient(app).get("/readyz")
    assert (response.status_code, response.json()["code"]) == (503, "schema_outdated")
    assert response.headers["Retry-After"] == "2"


def test_metrics_count_requests_and_jobs(client: TestClient, session: Session) -> None:
    client.get("/healthz")
    body = client.get("/metrics").text
    assert 'prefsift_jobs{state="queued"} 0.0' in body
    assert "prefsift_oldest_queued_seconds 0.0" in body
    assert 'handler="/healthz"' in body


@pytest.mark.parametrize(
    ("method", "url", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("PUT", "/healthz", 405, "method_not_allowed"),
        ("GET", "/api/v1/jobs", 401, "unauthorized"),
        ("GET", "/api/v1/jobs/x", 401, "unauthorized"),
    ],
)
def test_every_error_is_a_problem(method: str, url: str, status: int, code: str) -> None:
    response = TestClient(app).request(method, url)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_wrong_address_and_a_wrong_id_are_named(client: TestClient) -> None:
    nowhere = client.get("/api/v1/dataset/1").json()["detail"]
    assert nowhere == "there is no GET /api/v1/dataset/1: the routes are under /docs"
    assert client.get("/api/v1/jobs/nope").json()["detail"] == "path.job_id: 'nope' is no id"


def test_a_value_that_no_column_can_hold_is_the_callers_fault(
    client: TestClient, workspace: Workspace
) -> None:
    forged = encode_cursor(f"jobs {workspace.id} None None", ["never", "nobody"])
    for url in ("/api/v1/datasets?name=%00", f"/api/v1/jobs?cursor={forged}"):
        response = client.get(url)
        assert (response.status_code, response.json()["code"]) == (400, "bad_value")


def test_a_json_body_has_a_limit(client: TestClient, session: Session) -> None:
    response = client.post("/api/v1/datasets", content=b"x" * (MIB + 1))
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert "1,048,576 bytes (1 MiB): send data as an upload" in response.json()["detail"]


def test_as_many_texts_of_a_benchmark_as_a_signal_takes_are_taken_and_more_bytes_are_told(
    client: TestClient, session: Session
) -> None:
    dataset = client.post("/api/v1/datasets", json={"name": "large"}).json()["id"]
    path = f"/api/v1/datasets/{dataset}/contamination"
    texts = [
        f"question {number} of a benchmark, about {number * 7} words" for number in range(50_000)
    ]
    assert client.post(path, json={"against": texts}).status_code == 202
    assert client.post(path, json={"against": [*texts, "one more"]}).status_code == 422
    refused = client.post(path, content=b"x" * (16 * MIB + 1))
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
    assert "16 MiB" in refused.json()["detail"]
    assert "prefsift contamination FILE --against" in refused.json()["detail"]


def test_counting_what_a_dataset_holds_has_an_end(
    client: TestClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = client.post("/api/v1/datasets", json={"name": "slow"}).json()["id"]
    path = f"/api/v1/datasets/{dataset}/recipes"
    assert client.get(path).status_code == 200
    monkeypatch.setitem(COUNTED, What.pairs, "FROM pg_sleep(60)")
    monkeypatch.setattr(catalogue, "COUNT_SECONDS", 0.05)
    refused = client.get(path)
    assert (refused.status_code, refused.json()["code"]) == (422, "query_timeout")


def test_an_upload_may_be_larger_than_a_json_body(
    client: TestClient, session: Session, rung: list[tuple[str, str]]
) -> None:
    dataset = client.post("/api/v1/datasets", json={"name": "large"}).json()
    response = client.post(f"/api/v1/datasets/{dataset['id']}/uploads", content=b"\n" * (2 * MIB))
    assert response.status_code == 202, response.text


def test_the_documents_load_nothing_from_elsewhere() -> None:
    page = TestClient(app).get("/docs").text
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert sources
    for source in sources:
        assert source.startswith("/")
        assert TestClient(app).get(source).status_code == 200


def test_the_document_names_every_signal_and_the_security_scheme() -> None:
    document = app.openapi()
    schemas = document["components"]
    assert {"HTTPBearer", "APIKeyHeader"} <= set(schemas["securitySchemes"])
    kinds = schemas["schemas"]["ScoreJobIn"]["properties"]["signals"]["items"]["discriminator"]
    assert {"style", "reward_margin", "knn_novelty"} <= set(kinds["mapping"])
    used = {
        tag for path in document["paths"].values() for op in path.values() for tag in op["tags"]
    }
    assert used <= {tag["name"] for tag in document["tags"]}
