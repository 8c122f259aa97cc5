"""What-if over REST on uploaded and scored pairs, against the filter's exact counts."""

import uuid
from typing import Any

import numpy as np
import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.columns import load_pairs
from service.composing.costs import tokens_of
from service.filters.query import Query
from service.tables.jobs import JobKind
from service.tables.viewer import ThresholdSketch
from service.viewer.snapshots import snapshot_of
from service.what_if import columns, stored
from tests.workers.test_replaying import asked, uploaded
from workers.lease import Cancelled
from workers.protocol import run_job
from workers.scoring import Scoring
from workers.sketching import Sketching

pytestmark = pytest.mark.usefixtures("rung")
HANDLERS = {JobKind.score: Scoring(), JobKind.what_if: Sketching()}
WORDS = ("apple", "ünïcode", "the river", "no", "certainly not today")


def rows(count: int, source: str, start: int = 0) -> bytes:
    """Dialogues and single questions, answers of all lengths, some of them equally long."""
    made: list[dict[str, Any]] = []
    for i in range(start, start + count):
        turns = [{"role": "user", "content": f"Question {i} of {WORDS[i % 5]}?"}]
        if i % 3 == 0:
            turns = [
                {"role": "system", "content": "Be brief"}, *turns,
                {"role": "assistant", "content": WORDS[i % 4]},
                {"role": "user", "content": "And why?"},
            ]  # fmt: skip
        chosen, rejected = " ".join(WORDS[: 1 + i % 5]), " ".join(WORDS[i * 7 % 5 :])
        made.append(
            {
                "prompt": turns, "source": source,
                "chosen": [{"role": "assistant", "content": f"{chosen} {i}"}],
                "rejected": [{"role": "assistant", "content": f"{rejected} {i + 1}"}],
            }
        )  # fmt: skip
    return b"\n".join(map(orjson.dumps, made))


def run(job: dict[str, Any]) -> None:
    run_job(uuid.UUID(job["id"]), ("cpu",), HANDLERS)


def told(client: TestClient, dataset: str, **query: Any) -> dict[str, Any]:
    path = f"/api/v1/datasets/{dataset}/what-if"
    answer = client.get(path, params=query)
    if answer.status_code == 202:
        run(answer.json()["job"])
        answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def scored(client: TestClient) -> str:
    dataset = uploaded(client, "what if", rows(70, "web"), rows(20, "forum", 100))
    signals = [{"kind": "style"}, {"kind": "reward_margin", "folds": 3, "bootstraps": 1}]
    made = client.post(f"/api/v1/datasets/{dataset}/jobs", json={"signals": signals})
    assert made.status_code == 202, made.text
    run(made.json())
    return dataset


def test_each_threshold_keeps_what_the_filter_keeps(
    client: TestClient, session: Session, scored: str
) -> None:
    p = "reward_margin.p_correct"
    found = told(client, scored, at=[0.2, 0.5, 0.61, 2], cost="$2 per 1k tokens")
    assert found["by"] == [{"field": p, "keep": "high"}]
    assert (found["rows"], found["missing"], found["noise"]["field"]) == (90, 0, p)
    assert found["error"] == {"rows": 0, "share": 0, "bins": [90]}  # each value has a bin
    pairs = load_pairs(session, uuid.UUID(scored))
    tokens = dict(zip(pairs.ids, tokens_of(pairs, None).tolist(), strict=True))
    assert found["all"]["tokens"] == sum(tokens.values())
    assert found["all"]["sources"] == {"web": 70, "forum": 20}
    for point in found["points"]:
        where = f"{p} >= {point['at']}"
        exact = counted(session, scored, where)
        assert point["rows"] == point["rows_least"] == point["rows_most"] == exact
        longer = counted(session, scored, f"{where} AND chosen.length > rejected.length")
        shorter = counted(session, scored, f"{where} AND chosen.length < rejected.length")
        if not exact:
            assert (point["doubt"], point["margin"], point["longer"]) == (None, None, None)
            continue
        assert point["longer"] == pytest.approx(longer / (longer + shorter))
        kept = client.post(
            f"/api/v1/datasets/{scored}/pairs/query",
            json={"where": where, "limit": 1000, "fields": ["pair_id", p, "margin"]},
        ).json()["items"]
        assert point["doubt"] == pytest.approx(1 - np.mean([pair[p] for pair in kept]))
        assert point["tokens"] == sum(tokens[pair["pair_id"]] for pair in kept)
        assert point["cost"] == pytest.approx(point["tokens"] * 0.002)
        assert point["saved"] == pytest.approx(found["all"]["cost"] - point["cost"])


def counted(session: Session, dataset: str, where: str) -> int:
    return Query(session, uuid.UUID(dataset), where).count()


def test_two_fields_low_values_and_pair_fields(
    client: TestClient, session: Session, scored: str
) -> None:
    query = {"by": "reward_margin", "and": "chosen.length", "and_keep": "low"}
    grid = told(client, scored, **query, points=3)
    assert len(grid["points"]) == 9
    for point in grid["points"]:
        where = f"reward_margin >= {point['at']} AND chosen.length <= {point['and_at']}"
        assert point["rows"] == counted(session, scored, where)
    most = told(client, scored, by="votes")["points"]
    assert [(point["at"], point["rows"]) for point in most] == [(1, 90)]


def test_a_sketch_is_made_once_and_again_after_a_change(
    client: TestClient, session: Session, scored: str
) -> None:
    path = f"/api/v1/datasets/{scored}/what-if"
    first, second = client.get(path), client.get(path)
    assert (first.status_code, first.json()["job"]) == (202, second.json()["job"])
    told(client, scored)
    sketches = session.scalar(select(func.count()).select_from(ThresholdSketch))
    assert client.get(path, params={"by": "style.bold_delta"}).status_code == 200
    answer = client.get(path)
    same = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert client.get(path, params={"points": 3}).headers["ETag"] != answer.headers["ETag"]
    assert session.scalar(select(func.count()).select_from(ThresholdSketch)) == sketches

    made = client.post(f"{path[:-8]}/uploads?filename=y.jsonl", content=rows(10, "new", 300))
    asked_again = made.json()
    run_job(uuid.UUID(asked_again["job"]["id"]), ("cpu",), all_handlers())
    later = told(client, scored)
    assert (later["rows"], later["missing"]) == (100, 10)
    assert client.get(path).headers["ETag"] != answer.headers["ETag"]


def all_handlers() -> Any:
    from workers.tasks import HANDLERS as EVERY

    return EVERY


def test_where_pairs_are_many_a_sample_cuts_the_bins_and_all_are_counted(
    client: TestClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "SAMPLE", 30)
    monkeypatch.setattr(stored, "BINS", 4)
    dataset = uploaded(client, "many", rows(120, "web"))
    found = told(client, dataset, by="chosen.length", at=list(range(0, 70, 3)))
    bound = found["error"]["rows"]
    assert found["rows"] == 120
    assert 0 < bound < 80
    for point in found["points"]:
        exact = counted(session, dataset, f"chosen.length >= {point['at']}")
        assert point["rows_least"] <= exact <= point["rows_most"]
        assert abs(point["rows"] - exact) <= bound


def test_a_job_that_is_stopped_in_the_middle_leaves_nothing_and_a_connection_at_rest(
    client: TestClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "BLOCK", 16)
    dataset = uuid.UUID(uploaded(client, "stopped", rows(60, "web")))

    def stop(done: int) -> None:
        assert done >= 16
        raise Cancelled

    with pytest.raises(Cancelled) as stopped:
        stored.build(session, snapshot_of(session, dataset), ["votes"], stop)
    session.rollback()  # while the exception still holds the reading's frames
    assert stopped.traceback
    assert session.scalar(select(func.count()).select_from(ThresholdSketch)) == 0


def test_without_scores_noise_is_null_and_says_why(client: TestClient) -> None:
    dataset = uploaded(client, "plain", rows(5, "web"))
    found = told(client, dataset, by="agreement")
    assert found["noise"]["reason"].startswith("the dataset has no p_correct")
    assert {point["doubt"] for point in found["points"]} == {None}
    empty = asked(client, "/datasets", {"name": "empty"})["id"]
    nothing = told(client, empty, by="votes")
    assert (nothing["rows"], nothing["points"], nothing["all"]["share"]) == (0, [], 0)


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ({}, "by", "name a field"),
        ({"by": "chosen.lenght"}, "by", "there are chosen.length, chosen.turns"),
        ({"by": "agrement"}, "by", "near: agreement"),
        ({"by": "chosen.text"}, "by", "no number"),
        ({"by": "reward_margin.p_correct"}, "by", "no scores of reward_margin yet"),
        ({"by": "votes", "and": "votes"}, "and", "twice"),
        ({"by": "votes", "and": "nope"}, "and", "no number"),
        ({"by": "votes", "and_at": 1}, "and_at", "second field"),
        ({"by": "votes", "at": "nan"}, "at", "finite"),
        ({"by": "votes", "cost": "2 dollars"}, "cost", "a price is"),
        ({"by": "votes", "noise": "x"}, "noise", "probably"),
        ({"by": "votes", "rate": 0.5}, "query.rate", "0.49"),
        ({"by": "votes", "and": "margin", "points": 200}, "at", "40,000 combinations"),
        ({"by": "votes", "keep": "middle"}, "query.keep", "'high'"),
        ({"by": "votes", "upto": 3}, "upto", "no query parameter"),
    ],
)
def test_a_mistake_names_the_parameter(
    client: TestClient, query: dict[str, Any], field: str, said: str
) -> None:
    dataset = asked(client, "/datasets", {"name": "mistakes"})["id"]
    answer = client.get(f"/api/v1/datasets/{dataset}/what-if", params=query)
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert said in problem["detail"]
    assert problem.get("field", problem.get("errors", [{}])[0].get("field")) == field
