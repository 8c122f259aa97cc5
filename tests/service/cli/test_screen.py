"""What commands print without --json: words in 80 columns, ids whole, nothing for machines."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
import typer
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from service.app import app as api_app
from service.cli import leaving, listing, pairs, query, review, subsets
from service.cli.client import Api
from service.cli.evaluation_words import tell_evaluation
from service.cli.main import build
from service.cli.remote import follow
from service.cli.screen import tell
from service.cli.subset_words import tell_preview, tell_subset
from service.cli.subsets import why_empty
from service.cli.upload import tell_uploads
from tests.service.review.reviewing import judged
from tests.workers.test_replaying import asked, uploaded

ID = "1e817ece-c79c-4260-a33e-cd969e486a21"


def ran(*words: str) -> Result:
    done = CliRunner().invoke(build(words[0]), [*words], env={"COLUMNS": "80"})
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture
def api(client: TestClient, monkeypatch: pytest.MonkeyPatch, rung: object) -> Api:
    api = Api("http://testserver", "unused")
    base = "http://testserver/api/v1"
    monkeypatch.setattr(api, "http", TestClient(api_app, base, headers={**client.headers}))
    for module in (leaving, listing, pairs, query, review, subsets):
        monkeypatch.setattr(module, "connect", lambda: api)
    return api


def fits(said: str, *whole: str) -> None:
    lines = said.splitlines()
    assert all(len(line) <= 80 for line in lines if not line.startswith(("next: ", "      ")))
    assert all(line == line.rstrip() for line in lines)
    assert "\x1b" not in said
    assert '{"' not in said
    for each in whole:
        assert each in " ".join(said.split())


@pytest.mark.usefixtures("api")
def test_every_command_speaks_to_people_and_with_json_to_programs(client: TestClient) -> None:
    dataset = uploaded(client, "told", judged(12))
    body = {"recipe": "random", "budget": "50%", "tags": ["half"], "where": "votes >= 1"}
    one = asked(client, f"/datasets/{dataset}/subsets", {**body, "seeds": [0, 1]})["subset"]["id"]
    two = asked(client, f"/datasets/{dataset}/subsets", body)["subset"]["id"]
    both = asked(client, "/subsets/combine", {"union": [one, two]})["subset"]["id"]
    job = client.get(f"/api/v1/subsets/{one}").json()["job_id"]
    policy = {"policy": "each_judgment"}
    build_id = asked(client, f"/datasets/{dataset}/pair-builds", policy)["build"]["id"]
    upload = client.get(f"/api/v1/datasets/{dataset}/uploads").json()["items"][0]["id"]
    for words, whole in (
        (["subsets", "told"], [one, two, both, "4 of 8 pairs kept by random", "half"]),
        (["subsets", "told", "--subset", one], [one, "where votes >= 1", "two of them share"]),
        (["subsets", "told", "--subset", both], ["What is in any of 2 subsets"]),
        (["subsets", "told", "--subset", one, "--set-tag", "new"], ["tags new"]),
        (["jobs", str(job)], ["select: succeeded", str(job), dataset]),
        (["uploads", "told"], [upload, "x.jsonl ingested"]),
        (["pairs", "list", "told"], [build_id, "each_judgment: 48 pairs"]),
        (["review", "history", "told"], ["no verdict yet"]),
        (["query", "told", "--where", "votes >= 1", "--explain"], ["where votes >= 1"]),
        (["erase", "told", "--upload", upload, "--dry-run"], ["nothing is erased", one]),
    ):
        fits(ran(*words).output, *whole)
        orjson.loads(ran(*words, "--json").stdout)
    for turn, whole in (("withdraw", f"{one}, 4 pairs of it"), ("restore", "restored, 8 pairs")):
        fits(ran(turn, upload).output, whole)
    for turn in ("withdraw", "restore"):
        assert orjson.loads(ran(turn, upload, "--json").stdout)["upload"]["id"] == upload
    fits(ran("subsets", "told", "--subset", both, "--delete").output, f"deleted {both}")
    fits(ran("subsets", "told", "--tag", "none").output, "no such subset yet")


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_cancels_a_job_of_ours_and_tells_of_another_one(
    client: TestClient,
    api: Api,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dataset = uploaded(client, "stopped", judged(4))
    body = {"recipe": "random"}
    made = client.post(f"/api/v1/datasets/{dataset}/subsets", json=body).json()
    monkeypatch.setattr(api, "follow", interrupted)
    for ours, state, said in (
        (False, "queued", "goes on: `prefsift jobs "),
        (True, "cancel", "stopped"),
    ):
        with pytest.raises(typer.Exit) as left:
            follow(api, made["job"], ours=ours)
        assert left.value.exit_code == 130
        assert client.get(f"/api/v1/jobs/{made['job']['id']}").json()["state"].startswith(state)
        assert said in capsys.readouterr().err


def test_why_nothing_was_selected_is_said_by_what_emptied_it() -> None:
    found = {"manifest": {"reasons": {"not_in_filter": 357}}, "asked": {"where": "votes > 'x'"}}
    said = why_empty(found, "my data")
    assert said.startswith(
        "the filter keeps none of 357 pairs: see `prefsift query 'my data' --where"
    )
    found = {"manifest": {"reasons": {}}, "asked": {}}
    assert "prefsift pairs build 'my data' --preview" in why_empty(found, "my data")


def printed(capsys: pytest.CaptureFixture[str], say: Callable[[], None]) -> str:
    say()
    return capsys.readouterr().out


def test_a_preview_says_what_would_be_kept_and_that_nothing_was_made(
    capsys: pytest.CaptureFixture[str],
) -> None:
    signal = {
        "name": "margin", "kind": "reward_margin", "level": "pair", "items": 1077,
        "missing": 1000, "texts": 20, "seconds": 1.2,
    }  # fmt: skip
    keeps = {"pairs": 158, "tokens": 18493, "tokens_counted_by": "estimate", "dollars": 0.036}
    found = {
        "candidates": 1077, "pairs": 200, "pairs_are_built": True, "seconds": 1.2,
        "refused": {"not_in_filter": 877}, "keeps": keeps, "signals": [signal],
    }  # fmt: skip
    said = printed(capsys, lambda: tell_preview(found))
    fits(said, "would keep 158 of 200 pairs; nothing was made", "877 not in the filter", "$0.04")
    fits(said, "1,000 of 1,077 pairs lack a score, 20 texts a vector: 1.2 s")
    to_build = {**found, "pairs": None, "pairs_are_built": False, "keeps": {**keeps, "pairs": None}}
    fits(printed(capsys, lambda: tell_preview(to_build)), "before the pairs are built")


def figure(accuracy: float) -> dict[str, float]:
    return {"accuracy": accuracy, "low": accuracy - 0.1, "high": accuracy + 0.1}


def test_an_evaluation_is_a_verdict_a_table_and_what_was_asked_besides(
    capsys: pytest.CaptureFixture[str],
) -> None:
    gain = {"mean": 0.02, "low": 0.01, "high": 0.03}
    one = {"subset": figure(0.7), "random": figure(0.68), "full": figure(0.8), "difference": gain}
    rival = {"accuracy": 0.65, "difference": gain}
    heads = {"selecting": rival, "independent": rival}
    shares = {"subset": 0.7, "random": 0.6}
    classes = {
        "short": {"test": 30, "heads": {"independent": shares}},
        "": {"test": 3, "heads": {"independent": {**shares, "difference": gain}}},
    }
    found: dict[str, Any] = {
        **one, "better_than_random": True, "heads": {"selecting": one, "independent": one},
        "splits": 5, "pairs": 357, "size": 29.0, "against": {ID: {"size": 30, "heads": heads}},
        "behind_gate": {"could_take": 0.5, "heads": heads}, "slices": {"length": classes},
        "curve": {"selecting": {"recommended": None, "why": "too few points"}},
    }  # fmt: skip
    said = printed(capsys, lambda: tell_evaluation(found, ID))
    fits(said, "Better than random? yes", f"Against {ID}", "random ones of the 50%", "too few")
    assert "+2.0 points [+1.0, +3.0]" in said
    fits(printed(capsys, lambda: tell_evaluation({"reason": "12 pairs"}, ID)), "12 pairs")


def test_what_waits_or_has_failed_is_said_and_hidden_characters_are_not_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    waiting = {
        "id": ID, "recipe": {"id": "fifa"}, "size": None, "pool": None, "state": "pending",
        "manifest": None, "evaluation": None, "asked": {}, "tags": [], "created_at": "2026-01-01T",
    }  # fmt: skip
    fits(printed(capsys, lambda: tell_subset(waiting, fresh=True)), "fifa: pending", ID)
    fits(printed(capsys, lambda: tell({"name": "\x1b[31m" + "x" * 200, "empty": ""})), "?[31m")
    taken = {
        "filename": "größe [red].jsonl", "accepted": 1, "rows_in": 2, "pairs": 0, "layout": "hh",
        "mapping": {"prompt": "q"}, "id": ID,
    }  # fmt: skip
    said = printed(capsys, lambda: tell_uploads([taken], "mine"))
    fits(said, "größe [red].jsonl: 1 of 2 lines taken, 0 pairs", "--map prompt=q", ID)
    assert "next:" not in said
