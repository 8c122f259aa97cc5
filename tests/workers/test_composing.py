"""Subsets out of filters, policies, seeds and tokens, by real jobs."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from curation.items import Pairs
from service.composing.costs import tokens_of
from service.config import settings
from tests.workers.composing import TOP, ids, items, made, rows
from tests.workers.replaying import uploaded
from workers import selecting

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture
def owner(client: TestClient) -> str:
    return uploaded(client, "mine", rows(40))


def test_only_pairs_that_the_filter_keeps_are_selected(client: TestClient, owner: str) -> None:
    found = made(client, owner, where="metadata.kind = 'odd'", budget="50%", tags=["odd", "b 2"])
    assert (found["size"], found["pool"]) == (10, 20)
    assert found["manifest"]["reasons"] == {
        "selected": 10, "over_budget": 10, "not_in_filter": 20,
    }  # fmt: skip
    assert found["asked"] == {"where": "metadata.kind = 'odd'"}
    pairs = client.get(f"/api/v1/{owner}/pairs?where=metadata.kind = 'odd'&limit=100").json()
    odd = {pair["id"] for pair in pairs["items"]}
    assert set(ids(client, found)) < odd
    outside = [each for each in items(client, found, None) if each["reason"] == "not_in_filter"]
    assert {each["pair_id"] for each in outside}.isdisjoint(odd)
    assert len(outside) == 20
    listed = client.get(f"/api/v1/{owner}/subsets?tag=odd").json()["items"]
    assert [each["id"] for each in listed] == [found["id"]]
    assert client.get(f"/api/v1/{owner}/subsets?tag=od").json()["items"] == []


def test_a_policy_builds_its_pairs_first_and_only_they_are_selected(client: TestClient) -> None:
    rated = [
        {
            "messages": [{"role": "user", "content": f"Question {i}?"}],
            "responses": [{"id": str(n), "text": f"Answer {i} {n}"} for n in range(4)],
            "ratings": [{"response": str(n), "value": n, "scale": [0, 5]} for n in range(4)],
        }
        for i in range(6)
    ]
    owner = uploaded(client, "rated", rated)
    first = made(client, owner, policy="best_vs_worst", budget="100%")
    assert (first["size"], first["pool"]) == (6, 6)
    every = made(client, owner, policy="all_pairs", budget="100%", where="margin = 1")
    assert (every["size"], every["pool"]) == (18, 18)
    assert every["manifest"]["reasons"] == {"selected": 18, "not_in_filter": 18}
    builds = client.get(f"/api/v1/{owner}/pair-builds").json()["items"]
    assert [build["policy"]["kind"] for build in builds] == ["best_vs_worst", "all_pairs"]
    again = made(client, owner, policy="best_vs_worst", budget="100%")
    assert ids(client, again) == ids(client, first)
    assert len(client.get(f"/api/v1/{owner}/pair-builds").json()["items"]) == 2


def test_a_budget_of_tokens_or_money_is_kept_and_said(client: TestClient, owner: str) -> None:
    found = made(client, owner, recipe=TOP, budget="0.4k tokens")
    assert found["budget"] == "400 tokens"
    manifest = found["manifest"]
    assert manifest["tokens_counted_by"].startswith("estimate: bytes of UTF-8 / 4")
    pairs = {
        pair["id"]: pair for pair in client.get(f"/api/v1/{owner}/pairs?limit=100").json()["items"]
    }
    kept = [pairs[name] for name in ids(client, found)]
    texts = [[pair["prompt"][0]["content"], pair["chosen"]["text"], pair["rejected"]["text"]]
             for pair in kept]  # fmt: skip
    names = [pair["id"] for pair in kept]
    columns: list[list[str]] = [list(column) for column in zip(*texts, strict=True)]
    prompts = [f"user: {text}" for text in columns[0]]
    counted = tokens_of(Pairs(names, names, prompts, columns[1], columns[2]), None).sum()
    assert abs(int(counted) - manifest["tokens"]) <= 4 * len(names)  # how a role is written
    assert 350 < manifest["tokens"] <= 400
    bought = made(client, owner, recipe=TOP, budget="$2", price="$5 per 1k tokens")
    assert bought["budget"] == "$2 at $5 per 1000 tokens"
    assert ids(client, bought) == ids(client, found)
    counted_pairs = made(client, owner, recipe=TOP, budget="$1 at $0.30 per pair")
    assert (counted_pairs["size"], counted_pairs["manifest"]["tokens"]) == (3, None)


def test_several_seeds_say_how_often_each_pair_is_kept(client: TestClient, owner: str) -> None:
    found = made(client, owner, seeds=[3, 4, 5, 6], budget="25%")
    assert (found["seed"], found["asked"]) == (3, {"seeds": [3, 4, 5, 6]})
    assert ids(client, found) == ids(client, made(client, owner, seed=3, budget="25%"))
    one_by_one = [set(ids(client, made(client, owner, seed=s, budget="25%"))) for s in (3, 4, 5, 6)]
    shares = {each["pair_id"]: each["share"] for each in items(client, found, None)}
    for name, share in shares.items():
        assert share == sum(name in kept for kept in one_by_one) / 4
    told = found["manifest"]["stability"]
    assert told["ever"] == sum(share > 0 for share in shares.values())
    assert told["always"] == sum(share == 1 for share in shares.values())
    assert 0 < told["jaccard"] < 1
    steady = made(client, owner, recipe=TOP, seeds=[0, 1], budget="25%")
    assert steady["manifest"]["stability"]["jaccard"] == 1
    assert made(client, owner)["manifest"]["stability"] is None


def test_a_preview_counts_and_makes_nothing(client: TestClient, owner: str) -> None:
    where = "metadata.kind = 'odd'"
    wanted = {"recipe": TOP, "where": where, "budget": "$1 at $1 per 1k tokens", "preview": True}
    answer = client.post(f"/api/v1/{owner}/subsets", json=wanted)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["candidates"], found["pairs"], found["refused"]) == (
        40,
        20,
        {"not_in_filter": 20},
    )
    assert found["signals"][0] | {"seconds": None} == {
        "name": "form", "kind": "style", "level": "pair", "items": 40, "missing": 40, "texts": 0,
        "seconds": None,
    }  # fmt: skip
    assert 0 < found["keeps"]["tokens"] <= 1000
    assert 0 < found["keeps"]["dollars"] <= 1
    assert client.get(f"/api/v1/{owner}/subsets").json()["items"] == []
    made(client, owner, recipe=TOP)
    scored = client.post(f"/api/v1/{owner}/subsets", json=wanted).json()
    assert scored["signals"][0]["missing"] == 0
    trial = {"recipe": "k_center", "policy": "majority", "where": where, "preview": True}
    found = client.post(f"/api/v1/{owner}/subsets", json=trial).json()
    assert (found["pairs_are_built"], found["candidates"], found["pairs"]) == (False, 40, None)
    assert all(signal["texts"] > 0 for signal in found["signals"])
    assert client.get(f"/api/v1/{owner}/pair-builds").json()["items"] == []


def test_signals_of_a_recipe_are_changed_by_name(client: TestClient, owner: str) -> None:
    found = client.post(
        f"/api/v1/{owner}/subsets",
        json={"recipe": "fifa", "signals": {"margin": {"bootstraps": 2}}},
    ).json()["subset"]
    assert found["recipe"]["signals"]["margin"]["bootstraps"] == 2
    assert found["recipe_sha256"] != found["recipe"].get("sha256")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"where": "nonsense = 1"}, "unknown_field"),
        ({"where": "votes >"}, "bad_filter"),
        ({"budget": "$5"}, "bad_budget"),
        ({"budget": "5", "price": "$1 per pair"}, "bad_budget"),
        ({"policy": "nothing"}, "unknown_policy"),
        ({"signals": {"form": {"kind": "nothing"}}}, "bad_signals"),
        ({"recipe": {**TOP, "id": "combined"}}, "reserved_id"),
        ({"tokenizer": "../../etc"}, "model_not_allowed"),
        ({"seeds": [1, 1]}, "invalid"),
        ({"seed": 2, "seeds": [1, 2]}, "invalid"),
        ({"seeds": []}, "invalid"),
    ],
)
def test_what_can_not_be_is_refused_before_a_job(
    client: TestClient, owner: str, body: dict[str, Any], code: str
) -> None:
    answer = client.post(f"/api/v1/{owner}/subsets", json={"recipe": "random", **body})
    assert answer.status_code == 422, answer.text
    assert code == "invalid" or answer.json()["code"] == code


def test_more_pairs_than_a_worker_holds_are_selected_in_two_stages(
    client: TestClient, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {"recipe": TOP, "budget": "25%", "where": "NOT prompt.text LIKE '%9%'"}
    at_once = made(client, owner, **wanted)
    small = settings.model_copy(update={"select_pairs": 15})
    monkeypatch.setattr(selecting, "settings", small)
    found = made(client, owner, **wanted)
    assert ids(client, found) == ids(client, at_once)
    assert (found["pool"], found["size"]) == (at_once["pool"], at_once["size"]) == (36, 9)
    reasons, before = found["manifest"]["reasons"], at_once["manifest"]["reasons"]
    assert reasons == before == {"selected": 9, "over_budget": 27, "not_in_filter": 4}
    assert "of all 36 put forward" in found["manifest"]["degraded"][-1]
    tokens = made(client, owner, recipe=TOP, budget="200 tokens")
    assert 150 < tokens["manifest"]["tokens"] <= 200


def test_fields_of_the_lines_make_classes_and_an_unknown_one_is_said(
    client: TestClient, owner: str
) -> None:
    by = {"kind": "quota", "fields": ["meta.kind"], "shares": {"odd": 0.25}, "term": "margin"}
    found = made(client, owner, recipe={**TOP, "selector": by}, budget="20")
    page = client.get(f"/api/v1/{owner}/pairs?where=metadata.kind = 'odd'&limit=100").json()
    odd = {each["id"] for each in page["items"]}
    kept = ids(client, found)
    assert (len(kept), sum(name in odd for name in kept)) == (20, 5)
    assert found["manifest"]["reasons"]["quota_full"] > 0
    assert found["manifest"]["degraded"] == []
    nothing = {**TOP, "selector": {**by, "fields": ["planet"]}}
    said = made(client, owner, recipe=nothing)["manifest"]["degraded"]
    assert said == ["field planet: no pair has it"]
