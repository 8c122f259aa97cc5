"""Advise jobs: asked for over HTTP, done by the real stages, killed, out of time, refused."""

import uuid
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from curation.recipes import RECIPES
from curation.signals import SIGNALS
from service.advice.asked import COMPARE, STAGES
from service.tables.access import Workspace
from service.tables.datasets import Dataset
from service.tables.jobs import Job, JobKind, JobState, Shard, ShardState
from service.tables.scores import SignalRow
from tests.workers import test_selecting as selecting_jobs
from tests.workers.dataset import add_dataset
from workers.advising import Advising
from workers.handler import Work
from workers.protocol import run_job, run_next

QUEUES = ("cpu", "gpu")
WANTED: dict[str, Any] = {"budget": "20%", "recipes": ["k_center", "safe_default"], "splits": 5}


class Killed(BaseException):
    """The end of a process, as far as the code in it can see."""


class Mortal(Advising):
    """Dies once, in the comparison of the given shard, with its result not yet stored."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at: int | None = at

    def compare(self, work: Work) -> None:
        super().compare(work)
        if work.shard.ordinal == self.at:
            self.at = None
            raise Killed


def asked(client: TestClient, dataset: Dataset, **wanted: Any) -> dict[str, Any]:
    answer = client.post(f"/api/v1/datasets/{dataset.id}/advice", json={**WANTED, **wanted})
    assert answer.status_code == 202, answer.text
    return answer.json()


def told(client: TestClient, made: dict[str, Any]) -> dict[str, Any]:
    answer = client.get(f"/api/v1/datasets/{made['dataset_id']}/advice/{made['id']}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def compare_stage(session: Session, job_id: uuid.UUID, handler: Advising) -> Job:
    """The job as it is once its last stage is open."""
    job = session.get_one(Job, job_id)
    while job.stage < STAGES.index(COMPARE):
        assert run_next(job_id, QUEUES, handler), job.error
        session.refresh(job)
    return job


def test_a_killed_worker_loses_and_doubles_nothing(
    session: Session, workspace: Workspace, rung: object, client: TestClient
) -> None:
    dataset = add_dataset(session, workspace, 120)
    other = selecting_jobs.run(session, dataset, RECIPES["random"], "30%")
    made = asked(client, dataset, against=[str(other.id)])
    assert (made["job"]["state"], made["advice"]) == ("queued", None)
    job_id = uuid.UUID(made["id"])
    handler = Mortal(at=7)
    with pytest.raises(Killed):
        run_job(job_id, QUEUES, {JobKind.advise: handler})
    meanwhile = told(client, made)
    assert meanwhile["job"]["state"] == "running"
    assert [each["code"] for each in meanwhile["advice"]["left_out"]] == ["time"] * 3
    session.query(Shard).filter(Shard.state == ShardState.leased).update(
        {Shard.lease_until: func.clock_timestamp()}
    )
    session.commit()
    run_job(job_id, QUEUES, {JobKind.advise: Advising()})
    found = told(client, made)
    assert found["job"]["state"] == "succeeded", found["job"]
    assert found["job"]["result"] == found["advice"]
    advice = found["advice"]
    assert {row["name"]: row["splits"] for row in advice["recipes"]} == {
        "k_center": 5, "safe_default": 5, str(other.id): 5,
    }  # fmt: skip
    sizes = {row["name"]: row["size"] for row in advice["recipes"]}
    assert sizes["k_center"] == pytest.approx(0.2 * 96, abs=1)
    assert sizes[str(other.id)] == pytest.approx(0.3 * 96, abs=1)
    assert (advice["pairs"], advice["measured_on"], advice["ended"]) == (120, 120, False)
    assert advice["used"] < advice["seconds"]
    again = asked(client, dataset, against=[str(other.id)])
    run_job(uuid.UUID(again["id"]), QUEUES, {JobKind.advise: Advising()})
    calm = told(client, again)["advice"]
    timed = {"seconds": 0, "cost": 0}
    assert [{**row, **timed} for row in calm["recipes"]] == [
        {**row, **timed} for row in advice["recipes"]
    ]


def test_scores_of_some_pairs_are_the_advice_s_own_and_none_of_the_dataset(
    session: Session, workspace: Workspace, rung: object, client: TestClient
) -> None:
    dataset = add_dataset(session, workspace, 100)
    longest: dict[str, Any] = {
        "id": "longest", "title": "Longest", "signals": {"looks": {"kind": "style"}},
        "terms": {"longer": f"looks.{SIGNALS['style'].outputs[0].name}"},
        "selector": {"kind": "top", "term": "longer"}, "budget": "10%",
    }  # fmt: skip
    names = select(SignalRow.identity).where(SignalRow.dataset_id == dataset.id)
    before = session.scalars(names).all()
    made = asked(client, dataset, recipes=[longest])
    run_job(uuid.UUID(made["id"]), QUEUES, {JobKind.advise: Advising()})
    found = told(client, made)
    assert [(row["name"], row["splits"]) for row in found["advice"]["recipes"]] == [("longest", 5)]
    assert session.scalars(names).all() == before


def test_what_was_measured_when_the_time_ends_stays_and_the_rest_is_named(
    session: Session, workspace: Workspace, rung: object, client: TestClient
) -> None:
    dataset = add_dataset(session, workspace, 100)
    made = asked(client, dataset, recipes=["k_center", "conformal_clean", "curry"], seeds=[0, 1])
    handler = Advising()
    job = compare_stage(session, uuid.UUID(made["id"]), handler)
    for _ in range(7):
        assert run_next(job.id, QUEUES, handler)
    session.refresh(job)
    job.spec = {**job.spec, "seconds": 0.0}
    session.commit()
    run_job(job.id, QUEUES, {JobKind.advise: handler})
    advice = told(client, made)["advice"]
    assert advice["ended"]
    assert [(row["name"], row["splits"]) for row in advice["recipes"]] == [("k_center", 7)]
    assert [each["splits"] for each in advice["by_seed"]] == [5, 2]
    codes = {each["name"]: each["code"] for each in advice["left_out"]}
    assert codes == {"conformal_clean": "needs", "curry": "pairs"}
    if advice["recommended"]:
        body = advice["make"]["body"]
        assert client.post(f"/api/v1/datasets/{dataset.id}/subsets", json=body).status_code == 202


def test_what_nothing_can_be_said_of_is_refused_early(
    session: Session, workspace: Workspace, rung: object, client: TestClient
) -> None:
    few, slow = add_dataset(session, workspace, 20), add_dataset(session, workspace, 100, 200)
    for dataset, seconds, code in ((few, 60, "too_few"), (slow, 5, "time_too_short")):
        made = asked(client, dataset, seconds=seconds)
        job = session.get_one(Job, uuid.UUID(made["id"]))
        if code == "time_too_short":
            job.spec = {**job.spec, "seconds": 0.01}
            session.commit()
        run_job(job.id, QUEUES, {JobKind.advise: Advising()})
        session.refresh(job)
        assert job.state == JobState.failed
        assert (job.error or {})["code"] == code
    shards = session.scalars(select(Shard.ordinal).where(Shard.job_id == job.id, Shard.stage == 1))
    assert shards.all(), "of the embedding, planned and not done"
    path = f"/api/v1/datasets/{few.id}/advice"
    foreign = selecting_jobs.run(session, slow, RECIPES["random"], "30%")
    for body, code in (
        ({"budget": "2M tokens"}, "bad_budget"),
        ({"recipes": ["nope"]}, "unknown_recipe"),
        ({"recipes": ["fifa", "fifa"]}, "same_id"),
        ({"seeds": [0, 1, 2, 3], "splits": 26}, "too_many_splits"),
        ({"against": [str(foreign.id)]}, "not_comparable"),
    ):
        assert client.post(path, json=body).json()["code"] == code
    assert client.get(f"{path}/{made['id']}").status_code == 404  # another dataset's
