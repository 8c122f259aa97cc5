"""One group of near-duplicates is undone and redone; pages and selections follow."""

import uuid
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from service.app import app as api_app
from service.cli import duplicates
from service.cli.client import Api
from service.cli.main import build
from service.duplicates.undoing import forget_author
from service.tables.jobs import JobKind
from tests.service.duplicates.test_duplicates import line, listed, planted
from tests.service.intake.uploading import ingested
from tests.service.labels.test_erasures import erase
from tests.workers.composing import made
from tests.workers.test_replaying import uploaded
from workers.protocol import run_job
from workers.scoring import Scoring

pytestmark = pytest.mark.usefixtures("rung")
FIRST: dict[str, Any] = {
    "id": "once",
    "title": "One of each group",
    "signals": {"twice": {"kind": "near_duplicates"}},
    "terms": {"first": "twice.first", "votes": "twice.votes"},
    "selector": {"kind": "gates", "all": [{"term": "first", "at_least": 1}], "then": {
        "kind": "top", "term": "votes"}},
    "budget": "100%",
}  # fmt: skip


@pytest.fixture
def dataset(client: TestClient) -> str:
    return uploaded(client, "planted", b"\n".join(map(orjson.dumps, planted())))


def regrouped(client: TestClient, path: str, **asked: Any) -> dict[str, Any]:
    answer = client.post(path, json={"author": "ada"}, params=asked)
    assert answer.status_code in (200, 201), answer.text
    told = answer.json()
    run_job(uuid.UUID(told["job"]["id"]), ("cpu",), {JobKind.score: Scoring()})
    return told["undone"]


def test_an_undone_group_has_its_votes_apart_until_it_is_redone(
    client: TestClient, session: Session, dataset: str
) -> None:
    path, before = f"/api/v1/datasets/{dataset}/duplicates", listed(client, dataset)
    three, two = before["items"]
    size = made(client, f"datasets/{dataset}", recipe=FIRST, budget="100%")["size"]
    undone = regrouped(client, f"{path}/{three['group']}/undo")
    assert undone["members"] == sorted(each["pair_id"] for each in three["members"])
    assert (undone["unit"], undone["undone_by"], undone["redone_at"]) == ("pair", "ada", None)
    told = listed(client, dataset)
    assert told["items"] == [two]
    assert told["counts"]["repeated_pairs"] == before["counts"]["repeated_pairs"] - 3
    again = made(client, f"datasets/{dataset}", recipe=FIRST, budget="100%")
    # Two more stand alone; one of these is an exact copy, which no selection keeps twice.
    assert (size, again["size"], again["pool"]) == (12, 13, 15)
    assert client.post(f"{path}/{three['group']}/undo", json={}).json()["code"] in (
        "not_found", "nothing_to_undo",
    )  # fmt: skip
    other = listed(client, dataset, threshold=0.8)  # however texts are compared
    assert other["counts"]["repeated_groups"] == 1

    redone = regrouped(client, f"{path}/undone/{undone['id']}/redo")
    assert (redone["id"], redone["redone_by"]) == (undone["id"], "ada")
    assert listed(client, dataset) == before
    assert made(client, f"datasets/{dataset}", recipe=FIRST, budget="100%")["size"] == size
    twice = client.post(f"{path}/undone/{undone['id']}/redo", json={})
    assert (twice.status_code, twice.json()["code"]) == (409, "already_redone")
    assert client.get(f"{path}/undone", params={"limit": 1}).json()["items"] == [redone]
    forget_author(session, uuid.UUID(dataset), "ada")
    [erased] = client.get(f"{path}/undone").json()["items"]
    assert erased == redone | {"undone_by": None, "redone_by": None}


def test_prompts_of_an_undone_group_keep_their_own_pairs_together(
    client: TestClient, dataset: str
) -> None:
    group = listed(client, dataset, unit="prompt")["items"][0]
    path = f"/api/v1/datasets/{dataset}/duplicates"
    undone = regrouped(client, f"{path}/{group['group']}/undo", unit="prompt")
    assert undone["members"] == sorted({each["prompt_id"] for each in group["members"]})
    told = listed(client, dataset, unit="prompt")
    assert group["group"] not in [each["group"] for each in told["items"] if each["size"] > 1]
    assert listed(client, dataset)["counts"]["repeated_groups"] == 2  # of pairs, as before


def test_a_group_that_is_not_known_is_said_and_nothing_is_found_by_the_way(
    client: TestClient, dataset: str
) -> None:
    path = f"/api/v1/datasets/{dataset}/duplicates"
    early = client.post(f"{path}/0/undo", json={})
    assert (early.status_code, early.json()["code"]) == (409, "duplicates_not_ready")
    listed(client, dataset)
    assert client.post(f"{path}/99/undo", json={}).status_code == 404
    assert client.post(f"{path}/undone/{uuid.uuid4()}/redo", json={}).status_code == 404


def test_an_erasure_forgets_the_members_that_left_and_undone_groups_without_any(
    client: TestClient, dataset: str
) -> None:
    first = line(20, "late", "a")
    later = [first, line(20, "late", "a", first["messages"][0]["content"].upper() + "!")]
    upload = ingested(client, dataset, b"\n".join(map(orjson.dumps, later)))["id"]
    path = f"/api/v1/datasets/{dataset}/duplicates"
    by_size = {each["size"]: each for each in listed(client, dataset)["items"]}
    ids = {each["pair_id"] for each in by_size[3]["members"]}
    regrouped(client, f"{path}/{by_size[3]['group']}/undo")
    twos = [each for each in listed(client, dataset)["items"] if each["size"] == 2]
    [own] = [each for each in twos if "number 20" in each["members"][0]["chosen"]]
    regrouped(client, f"{path}/{own['group']}/undo")
    assert len(client.get(f"{path}/undone").json()["items"]) == 2
    erase(client, dataset, upload_id=upload)
    [left] = client.get(f"{path}/undone").json()["items"]
    assert {*left["members"]} == ids


def followed(_: Api, job: dict[str, Any]) -> None:
    run_job(uuid.UUID(job["id"]), ("cpu",), {JobKind.score: Scoring()})


def test_the_commands_undo_list_and_redo(
    client: TestClient, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api("http://testserver", "unused")
    over = TestClient(api_app, "http://testserver/api/v1", headers={**client.headers})
    monkeypatch.setattr(api, "http", over)
    monkeypatch.setattr(duplicates, "connect", lambda: api)
    monkeypatch.setattr(duplicates, "follow", followed)
    number = listed(client, dataset)["items"][0]["group"]

    def said(*words: str) -> str:
        done = CliRunner().invoke(
            build("duplicates"), ["duplicates", *words], catch_exceptions=False
        )
        assert done.exit_code == 0, done.output
        return done.output

    undone = orjson.loads(said("undo", "planted", str(number), "--author", "ada", "--json"))
    assert "in 1 groups" in said("planted")
    assert f"{undone['id']}  group {number} of unit pair, 3 members" in said("undone", "planted")
    assert "redone by grace" in said("redo", "planted", undone["id"], "--author", "grace")
    assert "in 2 groups" in said("show", "planted")
