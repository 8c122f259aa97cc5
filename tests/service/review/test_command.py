"""`prefsift review` against the real API, in this process."""

import orjson
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from service.app import app as api_app
from service.cli import review
from service.cli.client import Api
from service.cli.main import build
from tests.service.review.reviewing import got, judged, queue, reviewable

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture
def asked(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> Api:
    """Speaks to the application as it would over a socket."""
    api = Api("http://testserver", "unused")
    base = "http://testserver/api/v1"
    monkeypatch.setattr(api, "http", TestClient(api_app, base, headers={**client.headers}))
    monkeypatch.setattr(review, "connect", lambda: api)
    return api


def said(*words: str) -> str:
    done = CliRunner().invoke(build("review"), ["review", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.usefixtures("asked")
def test_a_pair_is_listed_decided_and_opened_again(client: TestClient) -> None:
    dataset = reviewable(client, "by command", judged(24))
    before = queue(client, dataset)
    listed = orjson.loads(said("by command", "--limit", "3", "--json"))
    assert [each["id"] for each in listed["items"]] == [each["id"] for each in before[:3]]
    told = said(dataset, "--limit", "2")
    assert told.startswith("24 pairs wait; version 0 of the verdicts")
    for item in before[:2]:
        assert item["id"] in told
        assert item["why"] in told
        assert item["a"]["text"] in told
    assert before[2]["id"] not in told
    made = said("verdict", "by command", before[0]["id"], "b", "--author", "eve", "--reason", "so")
    assert made.startswith("version 1: eve says b; ")
    assert len(queue(client, dataset)) == 23
    undone = said("undo", "by command", "1", "--author", "dan")
    assert undone.startswith("version 2: dan took version 1 back; ")
    assert queue(client, dataset) == before
    history = orjson.loads(said("history", "by command", "--json"))
    assert history == got(client, f"/datasets/{dataset}/verdicts")["items"]
    assert [(each["author"], each["reason"]) for each in history] == [("eve", "so"), ("dan", None)]
