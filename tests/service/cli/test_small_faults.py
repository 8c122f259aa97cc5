"""What used to be taken silently, or refused without a word of help."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from service.app import app as api_app
from service.cli import listing
from service.cli.client import Api
from service.cli.main import build
from tests.service.review.reviewing import got, judged
from tests.workers.test_replaying import asked, uploaded

pytestmark = pytest.mark.usefixtures("rung")


def ran(*words: str) -> Result:
    return CliRunner().invoke(build(words[0]), [*words], env={"COLUMNS": "200"})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["export", "mine", "--out", "x", "--option", "margin"], "a switch is margin=true"),
        (["export", "mine", "--out", "x", "--option", "=1"], "is no name=value"),
        (["export", "mine", "--out", "x", "--option", "margin="], "is no name=value"),
        (["replay", "nosuch"], "there is no file or folder nosuch"),
    ],
)
def test_a_word_that_means_nothing_is_refused(words: list[str], said: str) -> None:
    done = ran(*words)
    assert done.exit_code == 2
    assert said in done.output


def test_a_file_of_which_nothing_can_be_read_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text('{"nothing": 1}\n{"of": 2}\n')
    for words in (["formats", str(path)], ["formats", str(path), "--json"]):
        done = ran(*words)
        assert done.exit_code == 1
        assert "notes.jsonl: " in done.output or orjson.loads(done.output)["accepted"] == 0
    path.write_bytes(judged(2))
    assert ran("formats", str(path)).exit_code == 0


def test_a_sign_before_a_field_of_an_order_is_explained(client: TestClient) -> None:
    dataset = uploaded(client, "signs", judged(3))
    problem = got(client, f"/datasets/{dataset}/pairs", 422, orderby="-agreement")
    assert "agreement DESC" in problem["detail"]


def test_an_aspect_that_no_label_has_is_refused_with_those_that_there_are(
    client: TestClient,
) -> None:
    rows = [orjson.loads(line) for line in judged(4).splitlines()]
    for row in rows:
        row["ratings"] = [
            {"response": name, "value": at, "aspect": "clarity"} for at, name in enumerate("ab")
        ]
    dataset = uploaded(client, "aspects", b"\n".join(map(orjson.dumps, rows)))

    def built(aspect: str) -> Any:
        policy = {"kind": "best_vs_worst", "by": {"label": "ratings", "aspects": [aspect]}}
        body = {"policy": policy, "preview": True}
        return client.post(f"/api/v1/datasets/{dataset}/pair-builds", json=body)

    refused = built("clarty")
    assert refused.status_code == 422
    assert refused.json()["code"] == "unknown_aspect"
    assert refused.json()["known"] == ["clarity"]
    assert built("clarity").json()["report"]["pairs"] == 4


def test_an_export_without_a_row_is_refused(client: TestClient) -> None:
    dataset = uploaded(client, "empty", judged(4))
    body = {"where": "votes > 99"}
    made = asked(client, f"/datasets/{dataset}/exports", body)
    job = got(client, f"/jobs/{made['job']['id']}")
    assert (job["state"], job["error"]["code"]) == ("failed", "nothing_to_export")
    assert "keeps none of the 3 pairs" in job["error"]["detail"]
    assert got(client, f"/exports/{made['export']['id']}")["state"] == "failed"


def test_uploads_and_exports_come_in_pages(client: TestClient) -> None:
    contents = [judged(3, seed=seed, asks=f"Asked {seed}") for seed in range(3)]
    dataset = uploaded(client, "pages", *contents)
    for layout in ("huggingface", "native", "trl_preference"):
        asked(client, f"/datasets/{dataset}/exports", {"layout": layout})
    for path in ("uploads", "exports"):
        whole = got(client, f"/datasets/{dataset}/{path}")
        assert (len(whole["items"]), whole["next_cursor"]) == (3, None)
        first = got(client, f"/datasets/{dataset}/{path}", limit=2)
        cursor = first["next_cursor"]
        rest = got(client, f"/datasets/{dataset}/{path}", limit=2, cursor=cursor)
        assert first["items"] + rest["items"] == whole["items"]
        assert rest["next_cursor"] is None


def test_the_front_door_leads_to_the_documentation(client: TestClient) -> None:
    answer = client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")


def test_what_there_is_is_a_table_for_people_and_json_for_programs(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api("http://testserver", "unused")
    base = "http://testserver/api/v1"
    monkeypatch.setattr(api, "http", TestClient(api_app, base, headers={**client.headers}))
    monkeypatch.setattr(listing, "connect", lambda: api)
    assert ran("datasets").output == "no dataset yet\n"
    dataset = uploaded(client, "listed", judged(3))
    for command in ("exports", "views"):
        assert ran(command, "listed").output == f"no {command[:-1]} yet\n"
    export = asked(client, f"/datasets/{dataset}/exports", {"layout": "native"})["export"]["id"]
    body = {"where": "votes >= 2", "orderby": "votes DESC"}
    assert client.put(f"/api/v1/datasets/{dataset}/views/busy", json=body).status_code < 300
    for words, shown in (
        (["datasets"], ["listed", dataset]),
        (["jobs"], ["ingest", "export", "succeeded"]),
        (["views", "listed"], ["busy", "votes >= 2", "votes DESC"]),
    ):
        told = ran(*words).output
        assert all(each in told for each in shown), told
        assert len(orjson.loads(ran(*words, "--json").output)) == len(told.splitlines()) - 1
    told = ran("exports", "listed").output
    assert all(each in told for each in (export, "native, raw labels, ready, 3 rows"))
    assert max(map(len, told.splitlines())) <= 80
    [listed] = orjson.loads(ran("exports", "listed", "--json").output)
    assert listed["id"] == export
    assert len(ran("jobs", "--limit", "1").output.splitlines()) == 2
    assert "name the job" in ran("jobs", "--wait").output
