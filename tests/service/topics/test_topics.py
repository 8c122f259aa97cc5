"""Topics of an uploaded dataset, what a subset keeps of them, and the map."""

import uuid
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from service.app import app as api_app
from service.cli import topics
from service.cli.client import Api
from service.cli.main import build
from service.tables.jobs import JobKind
from service.tables.scores import EmbeddingRow
from tests.workers.test_replaying import selected, uploaded
from workers.protocol import run_job
from workers.scoring import Scoring

pytestmark = pytest.mark.usefixtures("rung")

ASKED = (
    "How should I water the roses in my garden, day {}?",
    "Which recipe for bread dough with yeast suits oven number {}?",
    "What does the opening of chess game {} mean for the white bishop?",
)


def rows() -> bytes:
    return b"\n".join(
        orjson.dumps({"prompt": ask.format(n), "chosen": f"<b>yes</b> {n}", "rejected": "no"})
        for n in range(12)
        for ask in ASKED
    )


def asked(client: TestClient, dataset: str, **query: Any) -> dict[str, Any]:
    path = f"/api/v1/datasets/{dataset}/topics"
    answer = client.get(path, params=query)
    if answer.status_code == 202:
        early = client.get(f"{path}.html", params=query)
        assert (early.status_code, early.json()["code"]) == (409, "topics_not_ready")
        run_job(uuid.UUID(answer.json()["job"]["id"]), ("cpu",), {JobKind.score: Scoring()})
        answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_topics_of_a_dataset_and_what_a_subset_covers(
    client: TestClient, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = uploaded(client, "three subjects", rows())
    told = asked(client, dataset, count=3)
    assert [each["prompts"] for each in told["topics"]] == [12, 12, 12]
    assert told["coverage"] is None
    terms = [set(each["terms"]) for each in told["topics"]]
    for word in ("garden", "bread", "chess"):
        assert sum(word in each for each in terms) == 1
    subset = selected(client, dataset, budget="6")
    cover = asked(client, dataset, count=3, subset=subset)["coverage"]
    assert (cover["prompts"], cover["prompts_kept"], cover["topics"]) == (36, 6, 3)
    assert 0 < cover["neighbourhoods_covered"] < 1
    recipe = {
        "id": "two_each", "title": "Two of each topic", "signals": {"about": told["signal"]},
        "terms": {"topic": "about.topic"}, "budget": "6",
        "selector": {"kind": "stratified", "fields": ["topic"], "allocation": "equal"},
    }  # fmt: skip
    even = selected(client, dataset, recipe=recipe, budget="6")
    fair = asked(client, dataset, count=3, subset=even)
    assert [each["kept"] for each in fair["topics"]] == [2, 2, 2]
    assert fair["coverage"]["shift"] == 0

    session.execute(delete(EmbeddingRow))  # as an erasure in another dataset of the same texts
    path = f"/api/v1/datasets/{dataset}/topics"
    lost = client.get(f"{path}.html", params={"count": 3, "subset": even})
    assert (lost.status_code, lost.json()["code"]) == (409, "topics_not_ready")
    assert client.get(path, params={"count": 3, "subset": even}).status_code == 202
    assert asked(client, dataset, count=3, subset=even) == fair

    api = Api("http://testserver", "unused")
    over = TestClient(api_app, "http://testserver/api/v1", headers={**client.headers})
    monkeypatch.setattr(api, "http", over)
    monkeypatch.setattr(topics, "connect", lambda: api)
    out = tmp_path / "map.html"
    words = ["topics", "three subjects", "--count", "3", "--subset", even, "--out", str(out)]
    done = CliRunner().invoke(build("topics"), words, catch_exceptions=False)
    assert "6 of 36 prompts: 3 of 3 topics" in done.output
    page = out.read_text()
    assert page.count("<circle") == 36
    assert "<script" not in page
    assert "bread" in page
    over.get(f"/datasets/{dataset}/topics.html", params={"count": 3, "subset": even})
    again = over.get(f"/datasets/{dataset}/topics.html", params={"count": 3, "subset": even})
    assert again.text == page
    wrong = client.get(f"/api/v1/datasets/{dataset}/topics", params={"subset": str(uuid.uuid4())})
    assert wrong.status_code == 404
