"""Other orders of the queue than by information: like errors, and who should label what."""

import random
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient

from tests.service.review.reviewing import audited, decide, got, judged, queue, reviewable
from tests.workers.test_replaying import uploaded

pytestmark = pytest.mark.usefixtures("rung")
SUBJECTS = (
    "bread oven flour yeast dough",
    "engine brakes clutch gearbox",
    "violin bow cello score",
)


def of_subjects(count: int, kind: str = "model", models: int = 3) -> bytes:
    """One comparison a pair, in turn by one of the annotators; those of the last subject are wrong.
    The first response is better on every even line."""
    draw = random.Random(0)
    rows: list[dict[str, Any]] = []
    for i in range(count):
        words = SUBJECTS[i % len(SUBJECTS)].split()
        better = "ab"[i % 2]
        said = "ba"[i % 2] if i % len(SUBJECTS) == len(SUBJECTS) - 1 else better
        text = {name: " ".join(draw.choices(words, k=12)) for name in "ab"}
        rows.append(
            {
                "id": f"r{i}",
                "messages": [{"role": "user", "content": f"tell me of {' '.join(words)} {i}"}],
                "responses": [{"id": name, "text": text[name]} for name in "ab"],
                "comparisons": [
                    {
                        "a": "a", "b": "b", "outcome": said, "annotator": f"m{i % models}",
                        "annotator_kind": kind,
                    }
                ],
                "gold": {"better": [better], "worse": ["ba"[i % 2]]},
            }
        )  # fmt: skip
    return b"\n".join(map(orjson.dumps, rows))


def refused(client: TestClient, dataset: str, status: int, **query: Any) -> dict[str, Any]:
    return got(client, f"/datasets/{dataset}/review", status, **query)


def test_pairs_like_those_believed_wrongly_come_first(client: TestClient) -> None:
    dataset = reviewable(client, "like errors", of_subjects(60))
    refusal = refused(client, dataset, 409, strategy="error_driven")
    assert refusal["code"] == "nothing_verified"
    waiting = {each["source"]["line"]: each for each in queue(client, dataset)}
    for line in (3, 4, 5):  # of the last subject and wrong, and two that are right
        item = waiting[line]
        better = "ab"[(line - 1) % 2]
        decide(client, dataset, item["id"], better)
    page = got(client, f"/datasets/{dataset}/review", strategy="error_driven", k_max=5, limit=3)
    assert page["summary"] == {"verified": 3, "erred": 1}
    assert page["open"] <= 5 + 2
    assert {(each["source"]["line"] - 1) % 3 for each in page["items"]} == {2}
    first = page["items"][0]
    assert first["resembles"]["item"] == waiting[3]["id"]
    assert first["resembles"]["p_correct"] < 0.5
    assert first["why"].startswith(f"resembles {waiting[3]['id']} (cosine ")
    rest = queue(client, dataset, strategy="error_driven", k_max=5)
    assert [each["id"] for each in rest[:3]] == [each["id"] for each in page["items"]]
    assert len(rest) == page["open"]
    assert not {each["source"]["line"] for each in rest} & {3, 4, 5}


def test_a_budget_is_shared_between_humans_and_models(client: TestClient) -> None:
    dataset = reviewable(client, "routed", of_subjects(30), anchors=0)
    wanted: dict[str, Any] = {"budget": 5.0, "model_cost": 0.5, "cost": ["m1=0.1"]}
    page = got(client, f"/datasets/{dataset}/review", limit=100, strategy="routing", **wanted)
    summary, items = page["summary"], page["items"]
    assert page["open"] == len(items) == 30
    routes = [each["route"] for each in items]
    assert sum(route["cost"] for route in routes) == pytest.approx(summary["spent"])
    assert summary["spent"] <= 5.0
    assert sum(route["gain"] for route in routes) == pytest.approx(summary["gained"])
    assert summary["gained"] <= summary["at_most"] + 1e-9
    assert [route["to"] == "human" for route in routes[:5]] == [True] * summary["humans"]
    assert summary["humans"] + summary["models"] + summary["stand"] == 30
    stands = next(each for each in items if not each["route"]["ask"])
    assert stands["route"]["annotator"] == stands["labels"][0]["annotator"]
    assert stands["why"].startswith(f"{stands['route']['annotator']} has judged it: ")
    assert items[0]["why"].startswith("ask a human: right with P = 0.")


def test_models_are_asked_where_a_human_costs_more_than_they_are_worth(client: TestClient) -> None:
    """Two good models agree, two thirds of the pairs have heard one bad one only."""
    rows = [orjson.loads(line) for line in judged(30).splitlines()]
    for i, row in enumerate(rows):
        kept = row["comparisons"] if i % 3 == 0 else row["comparisons"][3:]
        row["comparisons"] = [{**each, "annotator_kind": "model"} for each in kept]
    dataset = reviewable(client, "asked", b"\n".join(map(orjson.dumps, rows)), anchors=10)
    dear: dict[str, Any] = {"budget": 2.0, "human_cost": 50.0, "model_cost": 0.2}
    page = got(client, f"/datasets/{dataset}/review", limit=100, strategy="routing", **dear)
    assert (page["summary"]["humans"], page["summary"]["models"]) == (0, 10)
    for each in page["items"][:10]:
        route, judges = each["route"], {label["annotator"] for label in each["labels"]}
        assert (route["to"], route["ask"], route["cost"]) == ("model", True, 0.2)
        assert route["annotator"] not in judges
        assert each["why"].startswith(f"ask {route['annotator']}: ")


def test_what_a_strategy_needs_and_does_not_get_is_refused(client: TestClient) -> None:
    people = reviewable(client, "people", judged(24))
    assert refused(client, people, 409, strategy="routing", budget=5)["code"] == (
        "no_model_annotators"
    )
    models = uploaded(client, "models", of_subjects(24))
    assert refused(client, models, 409, strategy="routing", budget=5)["code"] == "no_audit"
    audited(client, models)

    def code(**query: Any) -> str:
        return refused(client, models, 422, **query)["code"]

    assert code(strategy="routing") == "budget_missing"
    assert code(strategy="routing", budget=5, cost="gpt=1") == "unknown_annotator"
    assert code(strategy="routing", budget=5, cost="m1") == "wrong_options"
    assert code(strategy="routing", budget=5, cost="m1=-1") == "wrong_options"
    assert code(strategy="routing", budget=5, k_max=3) == "wrong_options"
    assert code(budget=5) == "wrong_options"
    assert code(strategy="nearest") == "invalid_request"
