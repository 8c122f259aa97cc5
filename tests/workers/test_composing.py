"""Subsets out of filters, policies, seeds, tokens and other subsets, by real jobs."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from curation.items import Pairs
from service.composing.costs import tokens_of
from tests.workers.replaying import asked, described, replayed, uploaded

pytestmark = pytest.mark.usefixtures("rung")
TOP = {
    "id": "longest",
    "title": "The longest difference",
    "signals": {"form": {"kind": "style"}},
    "terms": {"margin": "form.length_log_ratio"},
    "selector": {"kind": "top"},
}


def rows(count: int) -> list[dict[str, Any]]:
    return [
        {
            "prompt": f"Question {i} about tea?",
            "chosen": f"Answer {i} " + "is long " * (i % 7 + 1),
            "rejected": f"No {i}",
            "metadata": {"kind": "odd" if i % 2 else "even"},
        }
        for i in range(count)
    ]


@pytest.fixture
def owner(client: TestClient) -> str:
    return uploaded(client, "mine", rows(40))


def made(client: TestClient, owner: str, **wanted: Any) -> dict[str, Any]:
    body = {"recipe": "random", "budget": "50%", **wanted}
    id = asked(client, f"/{owner}/subsets", body)["subset"]["id"]
    found = client.get(f"/api/v1/subsets/{id}").json()
    assert found["state"] == "ready", found
    return found


def combined(client: TestClient, **wanted: Any) -> dict[str, Any]:
    id = asked(client, "/subsets/combine", wanted)["subset"]["id"]
    return client.get(f"/api/v1/subsets/{id}").json()


def items(client: TestClient, subset: dict[str, Any], kept: bool | None = True) -> list[Any]:
    query = "" if kept is None else f"&kept={str(kept).lower()}"
    return client.get(f"/api/v1/subsets/{subset['id']}/items?limit=1000{query}").json()["items"]


def ids(client: TestClient, subset: dict[str, Any]) -> list[str]:
    return [item["pair_id"] for item in items(client, subset)]


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


def test_subsets_are_put_together_as_sets_in_the_order_of_the_first(
    client: TestClient, owner: str
) -> None:
    a, b, c = (made(client, owner, seed=seed) for seed in range(3))
    first, second, third = (ids(client, each) for each in (a, b, c))
    union = combined(client, union=[a["id"], b["id"]], tags=["both"])
    assert ids(client, union) == first + [each for each in second if each not in first]
    minus = combined(client, minus=[a["id"], b["id"], c["id"]])
    assert ids(client, minus) == [x for x in first if x not in second and x not in third]
    both = combined(client, intersect=[b["id"], a["id"]])
    assert ids(client, both) == [each for each in second if each in first]
    assert len(ids(client, union)) == len(ids(client, both)) + len(set(first) ^ set(second))
    assert union["tags"] == ["both"]
    assert [each["id"] for each in union["manifest"]["parents"]] == [a["id"], b["id"]]
    assert sum(minus["manifest"]["reasons"].values()) == minus["pool"] == 40
    assert minus["manifest"]["reasons"]["subtracted"] == len(first) - len(ids(client, minus))
    nested = combined(client, minus=[union["id"], both["id"]])
    assert set(ids(client, nested)) == set(first) ^ set(second)
    answer = client.post(f"/api/v1/subsets/{union['id']}/evaluate", json={})
    assert (answer.status_code, answer.json()["code"]) == (422, "no_recipe")


def test_scores_of_both_parents_are_in_an_export_of_their_union(
    client: TestClient, owner: str
) -> None:
    other = {**TOP, "signals": {"form": {"kind": "style"}, "near": {"kind": "style"}}}
    a, b = made(client, owner, recipe=TOP), made(client, owner, recipe=other)
    union = combined(client, union=[a["id"], b["id"]])
    names = [list(use["columns"].values()) for use in union["manifest"]["signals"]]
    assert len(names) == 1  # the same scores, whatever a recipe calls them
    assert "length_log_ratio" in names[0]


def test_only_tags_change_and_a_subset_in_use_stays(client: TestClient, owner: str) -> None:
    a, b = made(client, owner, seed=1), made(client, owner, seed=2)
    answer = client.patch(f"/api/v1/subsets/{a['id']}", json={"tags": ["kept"]})
    assert answer.json() == {**a, "tags": ["kept"]}
    for body in ({"seed": 4}, {"tags": ["<b>"]}, {"tags": ["x"], "recipe": "fifa"}, {}):
        assert client.patch(f"/api/v1/subsets/{a['id']}", json=body).status_code == 422
    union = combined(client, union=[a["id"], b["id"]])
    waiting = client.post(f"/api/v1/subsets/{b['id']}/exports", json={}).json()["job"]["id"]
    answer = client.delete(f"/api/v1/subsets/{b['id']}")
    assert (answer.status_code, answer.json()["jobs"]) == (409, [waiting])
    assert client.delete(f"/api/v1/subsets/{a['id']}").status_code == 204
    assert client.get(f"/api/v1/subsets/{a['id']}").status_code == 404
    assert len(ids(client, union)) == union["size"]
    asking = client.post("/api/v1/subsets/combine", json={"union": [b["id"], union["id"]]})
    assert asking.status_code == 202


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


def test_sets_of_strangers_and_of_nothing_are_refused(client: TestClient, owner: str) -> None:
    a = made(client, owner)["id"]
    other = made(client, uploaded(client, "other", rows(5)))["id"]
    for body, status in [
        ({"union": [a]}, 422), ({"union": [a, a]}, 422), ({}, 422), ({"union": [a, other]}, 422),
        ({"union": [a, other], "minus": [a, other]}, 422),
        ({"union": [a, str(uuid.uuid4())]}, 404),
    ]:  # fmt: skip
        assert client.post("/api/v1/subsets/combine", json=body).status_code == status, body


def test_what_was_composed_is_made_again_from_its_manifest(
    client: TestClient, owner: str, tmp_path: Path
) -> None:
    """Also in a dataset of the same file that has none of it: the same ids, the same bytes."""
    odd = made(
        client, owner, recipe=TOP, where="metadata.kind = 'odd'", budget="300 tokens",
        policy="majority", tags=["odd"], seeds=[2, 0],
    )  # fmt: skip
    others = made(client, owner, recipe="random", seed=5)
    union = combined(client, union=[odd["id"], others["id"]], tags=["all of it"])
    nested = combined(client, minus=[union["id"], others["id"]])
    twin = uploaded(client, "twin", rows(40))
    asked(client, f"/{twin}/pair-builds", {"policy": "majority"})
    for subset in (odd, nested, union):
        out = tmp_path / subset["id"]
        said = described(client, f"subsets/{subset['id']}", out)
        assert said["replay"].get("subset", {}).get("tags", []) == subset["tags"]
        assert replayed(client, said, owner) == {}
        assert replayed(client, said, twin) == {}
    changed = {**said, "recipe": {**said["recipe"], "of": said["recipe"]["of"][::-1]}}
    assert ("recipe", "recipe.of") in replayed(client, changed, twin)
