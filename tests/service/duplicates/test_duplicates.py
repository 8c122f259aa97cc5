"""Near-duplicates of an uploaded file over REST and by command, and the same of the file itself."""

import uuid
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from service import computed
from service.app import app as api_app
from service.cli import duplicates
from service.cli.client import Api
from service.cli.main import build
from service.tables.jobs import JobKind
from tests.service.intake.uploading import ingested
from tests.workers.test_replaying import uploaded
from workers.protocol import run_job
from workers.scoring import Scoring

pytestmark = pytest.mark.usefixtures("rung")

ROWS = 12
ANSWERS = ("a long and helpful answer about", "no more than a rude word about", "something else of")


def line(number: int, name: str, says: str, prompt: str = "") -> dict[str, Any]:
    """A comparison of one annotator in the native layout."""
    asked = prompt or f"please tell me what one should know of the river number {number} first"
    answers = [f"{said} the river number {number}, its mouth and its springs" for said in ANSWERS]
    return {
        "messages": [{"role": "user", "content": asked}],
        "responses": [{"id": "x", "text": answers[0]}, {"id": "y", "text": answers[1]}],
        "comparisons": [{"a": "x", "b": "y", "outcome": says, "annotator": name}],
    }


def planted() -> list[dict[str, Any]]:
    """Twelve pairs; two of them again, one labelled the other way, by annotators who did before."""
    rows = [line(number, f"n{number}", "a") for number in range(ROWS)]
    rows.append(line(0, "n0", "a", rows[0]["messages"][0]["content"].upper() + "!"))
    rows.append(line(1, "n1", "b", rows[1]["messages"][0]["content"] + " ..."))
    rows.append(line(1, "somebody", "a"))
    return rows


def listed(client: TestClient, dataset: str, **asked: Any) -> dict[str, Any]:
    """As it is after the job that the first request may have started."""
    path = f"/api/v1/datasets/{dataset}/duplicates"
    answer = client.get(path, params=asked)
    if answer.status_code == 202:
        assert client.get(path, params=asked).json()["job"]["id"] == answer.json()["job"]["id"]
        run_job(uuid.UUID(answer.json()["job"]["id"]), ("cpu",), {JobKind.score: Scoring()})
        answer = client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def dataset(client: TestClient) -> str:
    return uploaded(client, "planted", b"\n".join(map(orjson.dumps, planted())))


def said(*words: str) -> str:
    done = CliRunner().invoke(build("duplicates"), ["duplicates", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_groups_have_all_members_and_all_votes(client: TestClient, dataset: str) -> None:
    told = listed(client, dataset)
    assert told["counts"] == {
        "n": 15, "groups": 12, "repeated_groups": 2, "repeated_pairs": 5, "not_first": 3,
        "largest": 3,
    }  # fmt: skip
    three, two = told["items"]
    assert (three["size"], three["votes"], round(three["agreement"], 3)) == (3, 3, 0.667)
    assert (two["size"], two["votes"], two["agreement"]) == (2, 2, 1)
    assert [each["turned"] for each in three["members"]].count(True) in (1, 2)
    (first,) = (each for each in three["members"] if each["first"])
    assert first["chosen"].startswith("a long and helpful answer")
    path = f"/api/v1/datasets/{dataset}/duplicates/{three['group']}"
    begun = client.get(path, params={"limit": 2}).json()
    rest = client.get(path, params={"limit": 2, "cursor": begun["next_cursor"]}).json()
    assert begun["items"] + rest["items"] == three["members"]
    assert (len(begun["items"]), rest["next_cursor"]) == (2, None)
    page = listed(client, dataset, limit=1)
    rest = listed(client, dataset, limit=1, cursor=page["next_cursor"])
    assert page["items"] + rest["items"] == told["items"]
    assert rest["next_cursor"] is None


def test_all_pairs_are_looked_at_once_as_long_as_the_dataset_stays_as_it_is(
    client: TestClient, dataset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, outdated, looks = listed(client, dataset), computed.outdated, list[str]()

    def looked(*asked: Any) -> bool:
        looks.append("all")
        return outdated(*asked)

    monkeypatch.setattr(computed, "outdated", looked)
    assert listed(client, dataset) == listed(client, dataset) == told
    assert looks == []
    more = b"\n".join(map(orjson.dumps, [line(3, "late", "a")]))
    ingested(client, dataset, more, filename="late.jsonl")
    assert listed(client, dataset)["counts"]["n"] == told["counts"]["n"] + 1
    assert len(looks) == 3  # by each request until the job has ended, and by the first after it


def test_a_group_is_undone_by_keeping_a_member_apart(client: TestClient, dataset: str) -> None:
    two = listed(client, dataset)["items"][1]
    alone = two["members"][0]["pair_id"]
    told = listed(client, dataset, apart=[alone])
    assert told["signal"]["apart"] == [alone]
    assert told["counts"]["repeated_groups"] == 1
    assert listed(client, dataset)["counts"]["repeated_groups"] == 2


def test_who_judged_one_pair_twice_is_named(client: TestClient, dataset: str) -> None:
    once, torn = listed(client, dataset, unit="judgment")["items"]
    found = {each["annotator"]: each for each in (once, torn)}
    assert found["n0"]["consistent"]
    assert found["n0"]["surplus"] == 1
    assert found["n1"]["says"] == ["a", "b"]
    assert {place["line"] for place in found["n1"]["places"]} == {2, 14}


def test_units_and_methods(client: TestClient, dataset: str) -> None:
    prompts = listed(client, dataset, unit="prompt")
    assert prompts["counts"]["repeated_groups"] == 2
    exact = listed(client, dataset, method="exact")
    assert exact["counts"]["repeated_groups"] == 1
    answer = client.get(f"/api/v1/datasets/{dataset}/duplicates", params={"method": "exact",
                        "threshold": 0.9})  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_option")


def test_the_command_says_the_same_of_a_dataset_and_of_its_file(
    client: TestClient, dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api("http://testserver", "unused")
    over = TestClient(api_app, "http://testserver/api/v1", headers={**client.headers})
    monkeypatch.setattr(api, "http", over)
    monkeypatch.setattr(duplicates, "connect", lambda: api)
    listed(client, dataset)
    path = tmp_path / "planted.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, planted())))
    stored_told, file_told = (
        orjson.loads(said("planted", "--json")),
        orjson.loads(said(str(path), "--json")),
    )
    assert file_told["counts"] == {**stored_told["counts"], "rejected_lines": 0}
    for one, other in zip(stored_told["items"], file_told["items"], strict=True):
        assert [one[name] for name in ("size", "votes", "agreement")] == [
            other[name] for name in ("size", "votes", "agreement")
        ]
        assert {each["prompt"] for each in one["members"]} == {
            each["prompt"] for each in other["members"]
        }
    listed(client, dataset, unit="judgment")
    assert "n1 judged the pairs of group" in said("planted", "--unit", "judgment")
    assert "not the same: a, b" in said(str(path), "--unit", "judgment")
    assert "5 of them in 2 groups" in said(str(path))
