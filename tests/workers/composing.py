"""Subsets by real jobs over REST, for tests."""

from typing import Any

from fastapi.testclient import TestClient

from tests.workers.replaying import asked

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
