import uuid
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service import files
from service.app import app
from service.auth import create_key
from service.config import Settings
from service.routes import receiving
from service.tables.access import Workspace
from service.tables.datasets import Upload
from service.tables.jobs import Job
from tests.service.intake.uploading import ingested, new_dataset, post, trl
from tests.workers.stored import rows


@pytest.fixture
def stranger(session: Session, client: TestClient) -> TestClient:
    """Speaks with a key of another workspace."""
    workspace = Workspace(name="other")
    session.add(workspace)
    session.flush()
    key = create_key(session, workspace, "other")
    session.commit()
    return TestClient(app, headers={"X-API-Key": key})


def incoming() -> list[Any]:
    file_system, folder = files.path_of("incoming")
    return file_system.ls(folder) if file_system.exists(folder) else []


def test_an_upload_queues_one_job(client: TestClient, rung: list[tuple[str, str]]) -> None:
    made = post(client, new_dataset(client), trl(2), filename="../../etc/passwd")
    assert made.status_code == 202
    upload, job = made.json()["upload"], made.json()["job"]
    assert (upload["state"], upload["filename"]) == ("stored", "../../etc/passwd")
    assert (job["kind"], job["state"]) == ("ingest", "queued")
    assert rung == [(job["id"], "cpu")]
    assert incoming() == []


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"layout": "nope"}, "unknown_layout"),
        ({"mode": "maybe"}, "invalid_request"),
        ({"filename": "a\0b"}, "invalid_request"),
        ({"filename": "x" * 300}, "invalid_request"),
        ({"on_null": "replace"}, "unknown_parameter"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_stored(
    client: TestClient, session: Session, options: dict[str, str], code: str
) -> None:
    refused = post(client, new_dataset(client), trl(2), **options)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert session.scalar(select(func.count()).select_from(Upload)) == 0


@pytest.mark.usefixtures("rung")
def test_a_body_that_is_too_large_leaves_nothing(
    client: TestClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "settings", Settings(max_upload_bytes=100))
    dataset = new_dataset(client)

    def chunked() -> Any:
        yield from (b"x" * 60, b"x" * 60)

    for body in (b"x" * 120, chunked()):
        refused = client.post(f"/api/v1/datasets/{dataset}/uploads", content=body)
        assert (refused.status_code, refused.json()["code"]) == (413, "upload_too_large")
    assert session.scalar(select(func.count()).select_from(Job)) == 0
    assert incoming() == []


@pytest.mark.usefixtures("rung")
def test_a_cancelled_upload_may_come_again(client: TestClient) -> None:
    dataset = new_dataset(client)
    first = post(client, dataset, trl(2)).json()
    assert client.post(f"/api/v1/jobs/{first['job']['id']}/cancel").status_code == 200
    again = ingested(client, dataset, trl(2))
    assert again["id"] != first["upload"]["id"]
    assert (again["state"], again["pairs"]) == ("ingested", 2)


@pytest.mark.usefixtures("rung")
def test_the_same_bytes_read_in_another_way_are_no_news_but_a_conflict(client: TestClient) -> None:
    dataset, content = new_dataset(client), trl(2)
    first = ingested(client, dataset, content)
    same = post(client, dataset, content, layout="trl_preference", mode="atomic", filename="x")
    assert (same.status_code, same.json()["upload"]["id"]) == (200, first["id"])
    for other in ({"layout": "hh"}, {"mapping": '{"prompt": "chosen"}'}, {"on_nul": "replace"}):
        refused = post(client, dataset, content, **other)
        assert (refused.status_code, refused.json()["code"]) == (409, "read_otherwise")


@pytest.mark.usefixtures("rung")
def test_what_nothing_was_taken_of_may_come_again_with_other_options(client: TestClient) -> None:
    dataset = new_dataset(client)
    content = b'{"question": "2 + 2?", "chosen": "4", "rejected": "5"}'
    wrong = {"prompt": "chosen", "chosen": "question", "rejected": "question"}
    first = ingested(client, dataset, content, mapping=orjson.dumps(wrong).decode())
    assert (first["state"], first["accepted"], first["rejected"]) == ("ingested", 0, 1)
    again = ingested(client, dataset, content, mapping='{"prompt": "question"}')
    assert (again["accepted"], again["id"] != first["id"]) == (1, True)


@pytest.mark.usefixtures("rung")
def test_a_withdrawn_upload_is_restored_not_sent_again(client: TestClient) -> None:
    dataset = new_dataset(client)
    upload = ingested(client, dataset, trl(2))
    assert client.post(f"/api/v1/uploads/{upload['id']}/withdraw").is_success
    refused = post(client, dataset, trl(2))
    assert (refused.status_code, refused.json()["code"]) == (409, "upload_withdrawn")


@pytest.mark.usefixtures("rung")
def test_pairs_come_in_pages(client: TestClient) -> None:
    dataset = new_dataset(client)
    ingested(client, dataset, trl(7))
    at, found, cursor = f"/api/v1/datasets/{dataset}/pairs", [], None
    while True:
        page = client.get(at, params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        found += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert [pair["chosen"]["text"] for pair in found] == [f"good {i}" for i in range(7)]
    assert [pair["source"]["line"] for pair in found] == list(range(1, 8))
    assert found[0]["prompt"] == [{"role": "user", "content": "p0"}]
    assert client.get(f"{at}/{found[3]['id']}").json() == found[3]
    assert client.get(f"{at}/{uuid.uuid4()}").status_code == 404


@pytest.mark.parametrize("cursor", ["x", "!!!", "W10", "WyJwYWlycyIsMV0", "é"])
def test_a_wrong_cursor_is_a_400(client: TestClient, cursor: str) -> None:
    dataset = new_dataset(client)
    refused = client.get(f"/api/v1/datasets/{dataset}/pairs", params={"cursor": cursor})
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_cursor")


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "a", str(2**63)])
def test_a_wrong_limit_is_a_422(client: TestClient, limit: str) -> None:
    refused = client.get(f"/api/v1/datasets/{new_dataset(client)}/pairs", params={"limit": limit})
    assert refused.status_code == 422


@pytest.mark.usefixtures("rung")
def test_nothing_of_a_workspace_shows_to_another(client: TestClient, stranger: TestClient) -> None:
    dataset = new_dataset(client)
    upload = ingested(client, dataset, trl(1))
    pair = client.get(f"/api/v1/datasets/{dataset}/pairs").json()["items"][0]["id"]
    for path in (
        f"datasets/{dataset}", f"datasets/{dataset}/uploads", f"datasets/{dataset}/pairs",
        f"datasets/{dataset}/pairs/{pair}", f"uploads/{upload['id']}",
        f"uploads/{upload['id']}/rejects",
    ):  # fmt: skip
        assert client.get(f"/api/v1/{path}").status_code == 200, path
        assert stranger.get(f"/api/v1/{path}").status_code == 404, path
        assert TestClient(app).get(f"/api/v1/{path}").status_code == 401, path
    assert stranger.get("/api/v1/datasets").json()["items"] == []
    assert post(stranger, dataset, trl(1)).status_code == 404
    assert stranger.delete(f"/api/v1/datasets/{dataset}").status_code == 404
    mine = post(stranger, new_dataset(stranger), trl(1))
    assert mine.status_code == 202  # the same bytes are no news about another's


def test_datasets_are_named_listed_and_deleted(client: TestClient) -> None:
    ids = [new_dataset(client, name) for name in ("b", "a", "../c\u202e<script>")]
    again = client.post("/api/v1/datasets", json={"name": "a"})
    assert (again.status_code, again.json()["code"]) == (409, "name_taken")
    for name in ("", "a\0", "x" * 201, "a\nb"):
        assert client.post("/api/v1/datasets", json={"name": name}).status_code == 422
    lone = client.post("/api/v1/datasets", content=b'{"name": "a\\ud800"}')
    assert lone.status_code == 422
    first = client.get("/api/v1/datasets", params={"limit": 2}).json()
    rest = client.get("/api/v1/datasets", params={"cursor": first["next_cursor"]}).json()
    assert len(first["items"] + rest["items"]) == 3
    assert client.get("/api/v1/datasets", params={"name": "b"}).json()["items"][0]["id"] == ids[0]
    assert client.delete(f"/api/v1/datasets/{ids[0]}").status_code == 204
    assert client.get(f"/api/v1/datasets/{ids[0]}").status_code == 404


@pytest.mark.usefixtures("rung")
def test_a_dataset_goes_with_all_that_it_held(client: TestClient, session: Session) -> None:
    dataset = new_dataset(client)
    ingested(client, dataset, trl(3) + b"5\n")
    assert client.get(f"/api/v1/datasets/{dataset}").json()["pairs"] == 3
    client.delete(f"/api/v1/datasets/{dataset}")
    assert set(rows(session).values()) == {0}
    assert rows(session, "uploads", "jobs") == {"uploads": 0, "jobs": 0}
