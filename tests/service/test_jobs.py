"""Jobs over REST: scheduling, following, stopping; the worker in the same process."""

import uuid
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.auth import create_key
from service.tables.access import Workspace
from service.tables.jobs import Job, JobState, Shard, ShardState
from tests.workers.dataset import add_dataset
from workers.tasks import run_job

Rung = list[tuple[str, str]]


@pytest.fixture
def jobs_url(session: Session, workspace: Workspace) -> str:
    return f"/api/v1/datasets/{add_dataset(session, workspace, 5).id}/jobs"


def schedule(client: TestClient, url: str, **signal: Any) -> dict[str, Any]:
    response = client.post(url, json={"signals": [{"kind": "style", **signal}]})
    assert response.status_code == 202, response.text
    return response.json()


def test_a_job_is_queued_rung_for_and_done_with_its_progress(
    client: TestClient, jobs_url: str, rung: Rung
) -> None:
    job = schedule(client, jobs_url)
    assert (job["state"], job["rows_total"], job["eta_seconds"]) == ("queued", 0, None)
    assert rung == [(job["id"], "cpu")]
    run_job(job["id"])
    run_job(job["id"])  # delivered twice
    done = client.get(f"/api/v1/jobs/{job['id']}").json()
    assert (done["state"], done["stage"], done["rows_done"], done["rows_total"]) == (
        "succeeded", 3, 5, 5,
    )  # fmt: skip
    assert done["rows_per_second"] > 0
    assert done["result"]["signals"][0]["outputs"]["lists_delta"] == {"ok": 5}


def test_the_request_id_goes_in_and_out_and_onto_the_job(
    client: TestClient, session: Session, jobs_url: str, rung: Rung
) -> None:
    body = {"signals": [{"kind": "style"}]}
    response = client.post(jobs_url, json=body, headers={"X-Request-ID": "abc-1"})
    assert response.headers["X-Request-ID"] == "abc-1"
    job = session.get_one(Job, uuid.UUID(response.json()["id"]))
    assert job.request_id == "abc-1"
    odd = client.get("/healthz", headers={"X-Request-ID": "no spaces please"})
    assert len(odd.headers["X-Request-ID"]) == 32


@pytest.mark.parametrize(
    ("signal", "said"),
    [
        ({"kind": "nope"}, "known: annotator_group"),
        ({"kind": "style", "nope": 1}, "nope"),
        ({"kind": "knn_novelty", "k": 0}, "k"),
        ({}, "kind"),
    ],
)
def test_a_wrong_specification_is_refused_with_what_is_known(
    client: TestClient, jobs_url: str, rung: Rung, signal: dict[str, Any], said: str
) -> None:
    response = client.post(jobs_url, json={"signals": [signal]})
    assert response.status_code == 422
    assert response.json()["code"] == "invalid_request"
    assert said in response.json()["detail"]
    assert rung == []


def test_a_strangers_job_and_dataset_are_not_found(
    client: TestClient, session: Session, jobs_url: str, rung: Rung
) -> None:
    job = schedule(client, jobs_url)
    stranger = Workspace(name="stranger")
    session.add(stranger)
    session.flush()
    key = {"Authorization": f"Bearer {create_key(session, stranger, 'k')}"}
    session.commit()
    for method, url in [
        ("GET", f"/api/v1/jobs/{job['id']}"),
        ("GET", f"/api/v1/jobs/{job['id']}/events"),
        ("POST", f"/api/v1/jobs/{job['id']}/cancel"),
        ("GET", jobs_url.replace("/jobs", "/scores?signal=style")),
    ]:
        assert client.request(method, url, headers=key).status_code == 404
    assert client.get("/api/v1/jobs", headers=key).json()["items"] == []


def test_a_job_that_waits_is_cancelled_for_good(
    client: TestClient, session: Session, jobs_url: str, rung: Rung
) -> None:
    job = schedule(client, jobs_url)
    url = f"/api/v1/jobs/{job['id']}"
    assert client.post(f"{url}/cancel").json()["state"] == "cancelled"
    assert client.post(f"{url}/cancel").status_code == 200
    run_job(job["id"])
    assert client.get(url).json()["state"] == "cancelled"
    shards = session.scalars(select(Shard.state)).all()
    assert shards == [ShardState.failed]
    problem = client.post(f"{url}/resume")
    assert (problem.status_code, problem.json()["code"]) == (409, "job_state")


def test_a_paused_job_waits_until_it_is_resumed(
    client: TestClient, jobs_url: str, rung: Rung
) -> None:
    job = schedule(client, jobs_url)
    url = f"/api/v1/jobs/{job['id']}"
    assert client.post(f"{url}/pause").json()["state"] == "paused"
    run_job(job["id"])
    assert client.get(url).json()["state"] == "paused"
    rung.clear()
    assert client.post(f"{url}/resume").json()["state"] == "queued"
    assert rung == [(job["id"], "cpu")]
    run_job(job["id"])
    assert client.get(url).json()["state"] == "succeeded"
    assert client.post(f"{url}/pause").status_code == 409


def test_events_tell_the_end(client: TestClient, jobs_url: str, rung: Rung) -> None:
    job = schedule(client, jobs_url)
    run_job(job["id"])
    with client.stream("GET", f"/api/v1/jobs/{job['id']}/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = list(response.iter_lines())
    assert lines[0] == "event: job"
    assert '"state":"succeeded"' in lines[1].replace(" ", "")


def test_pages_of_jobs_and_of_cells_are_complete_and_without_repeats(
    client: TestClient, jobs_url: str, rung: Rung
) -> None:
    ids = [schedule(client, jobs_url)["id"] for _ in range(5)]
    run_job(ids[0])
    newest_first = sorted(ids, reverse=True)  # made in one transaction, at one time: by id
    assert [job["id"] for job in walk(client, "/api/v1/jobs?limit=2")] == newest_first
    waiting = walk(client, f"/api/v1/jobs?limit=2&state={JobState.queued}")
    assert {job["id"] for job in waiting} == set(ids[1:])
    scores = jobs_url.replace("/jobs", "/scores?signal=style&limit=7")
    cells = walk(client, scores)
    assert len({(cell["item_id"], cell["output"]) for cell in cells}) == len(cells) == 40
    assert len(walk(client, scores + "&output=lists_delta")) == 5
    assert client.get(scores.replace("style", "nope")).status_code == 404
    assert client.get(scores + "&cursor=AAAA").status_code == 400


def walk(client: TestClient, url: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = client.get(url + (f"&cursor={cursor}" if cursor else "")).json()
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items
