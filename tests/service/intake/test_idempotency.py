from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from service import db
from service.app import app
from service.auth import create_key
from service.routes.idempotent import IdempotentRoute
from service.tables.access import Workspace
from service.tables.datasets import Dataset, Upload
from service.tables.jobs import Job
from service.tables.sessions import IdempotencyKey
from tests.service.intake.uploading import new_dataset, trl

STREAMED = {"/api/v1/datasets/{dataset_id}/uploads"}  # looks at the key once the body is there


def keyed(key: str = "k") -> dict[str, str]:
    return {"Idempotency-Key": key}


def create(client: Any, name: str = "d", key: str = "k") -> httpx.Response:
    return client.post("/api/v1/datasets", json={"name": name}, headers=keyed(key))


def upload(client: Any, dataset: str, content: bytes, key: str = "k") -> httpx.Response:
    at = f"/api/v1/datasets/{dataset}/uploads"
    return client.post(at, content=content, headers=keyed(key))


def test_every_post_honours_the_key() -> None:
    posts = {route.path: route for route in routes(app.routes) if "POST" in (route.methods or ())}
    assert len(posts) > 5
    plain = {path for path, route in posts.items() if not isinstance(route, IdempotentRoute)}
    assert plain == STREAMED
    for path in posts:
        operation = app.openapi()["paths"][path]["post"]
        named = [parameter["name"] for parameter in operation["parameters"]]
        assert named.count("Idempotency-Key") == 1, path


def routes(found: Any) -> Iterator[APIRoute]:
    for route in found:
        if isinstance(route, APIRoute):
            yield route
        else:
            yield from routes(getattr(getattr(route, "original_router", None), "routes", []))


def test_the_first_answer_comes_again_byte_for_byte(client: TestClient) -> None:
    first, again = create(client), create(client)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    kept = ("content-type", "content-length")
    assert {name: again.headers[name] for name in kept} == {n: first.headers[n] for n in kept}
    assert len(client.get("/api/v1/datasets").json()["items"]) == 1


def test_headers_of_the_answer_come_again_too(client: TestClient) -> None:
    at = f"/api/v1/datasets/{new_dataset(client)}/upload-sessions"
    first, again = (client.post(at, headers=keyed()) for _ in range(2))
    assert again.headers["Location"] == first.headers["Location"]


def test_the_key_with_another_request_is_a_mismatch(client: TestClient) -> None:
    create(client)
    refused = create(client, "e")
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_mismatch")
    one, two = new_dataset(client, "one"), new_dataset(client, "two")
    at = "/api/v1/datasets/{}/upload-sessions"
    client.post(at.format(one), params={"size": 1}, headers=keyed())
    for path, size in ((one, 2), (two, 1)):
        other = client.post(at.format(path), params={"size": size}, headers=keyed())
        assert other.json()["code"] == "idempotency_mismatch"


def test_an_error_did_nothing_and_the_key_tries_again(client: TestClient) -> None:
    taken = create(client, "a", "first").json()["id"]
    refused = create(client, "a", "second")
    assert (refused.status_code, refused.json()["code"]) == (409, "name_taken")
    client.delete(f"/api/v1/datasets/{taken}")
    assert create(client, "a", "second").status_code == 201


def test_keys_run_out(client: TestClient, session: Session) -> None:
    create(client, "a")
    long_ago = func.now() - text("interval '2 days'")
    session.execute(update(IdempotencyKey).values(created_at=long_ago))
    session.commit()
    assert create(client, "b").status_code == 201
    assert session.scalar(select(func.count()).select_from(IdempotencyKey)) == 1


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\x01", "é"])
def test_a_key_that_is_no_key_is_refused(client: TestClient, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    refused = client.post("/api/v1/datasets", json={"name": "d"}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_idempotency_key")


def test_a_key_belongs_to_its_workspace_and_its_route(client: TestClient, session: Session) -> None:
    other = Workspace(name="other")
    session.add(other)
    session.flush()
    stranger = TestClient(app, headers={"X-API-Key": create_key(session, other, "other")})
    session.commit()
    mine, theirs = create(client), create(stranger)
    assert mine.json()["id"] != theirs.json()["id"]
    at = f"/api/v1/datasets/{mine.json()['id']}/upload-sessions"
    assert client.post(at, headers=keyed()).status_code == 201
    assert stranger.post(at, headers=keyed()).status_code == 404
    assert create(TestClient(app)).status_code == 401


@pytest.mark.usefixtures("rung")
def test_a_streamed_upload_counts_by_its_bytes(client: TestClient, session: Session) -> None:
    dataset = new_dataset(client)
    first, again = upload(client, dataset, trl(2)), upload(client, dataset, trl(2))
    assert (first.status_code, again.status_code) == (202, 202)  # 200 without the key
    assert again.content == first.content
    other = upload(client, dataset, trl(3))
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert session.scalar(select(func.count()).select_from(Upload)) == 1


def test_fifty_at_once_do_it_once(api: httpx.Client) -> None:
    with ThreadPoolExecutor(50) as threads:
        waiting = [threads.submit(create, api) for _ in range(50)]
    answers = [each.result() for each in waiting]
    check_once(answers, 201)
    with db.new_session() as session:
        assert session.scalar(select(func.count()).select_from(Dataset)) == 1


def test_fifty_uploads_at_once_are_one(api: httpx.Client, rung: list[tuple[str, str]]) -> None:
    dataset = api.post("/api/v1/datasets", json={"name": "d"}).json()["id"]
    with ThreadPoolExecutor(50) as threads:
        waiting = [threads.submit(upload, api, dataset, trl(50)) for _ in range(50)]
    check_once([each.result() for each in waiting], 202)
    with db.new_session() as session:
        assert session.scalar(select(func.count()).select_from(Upload)) == 1
        assert session.scalar(select(func.count()).select_from(Job)) == 1
    assert len(rung) == 1


def check_once(answers: list[httpx.Response], status: int) -> None:
    done = [answer for answer in answers if answer.status_code == status]
    wait = [answer for answer in answers if answer.status_code == 409]
    assert len(done) + len(wait) == 50
    assert len({answer.content for answer in done}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in done) == 1
    for answer in wait:
        assert (answer.json()["code"], answer.headers["Retry-After"]) == ("in_progress", "1")
