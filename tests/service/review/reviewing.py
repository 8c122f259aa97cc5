"""A dataset with several judges, of whom some are wrong, and its audit."""

import random
from typing import Any

import orjson
from fastapi.testclient import TestClient

from tests.workers.test_replaying import asked, uploaded

SKILLS = {"ada": 0.95, "bo": 0.9, "cy": 0.7, "di": 0.5}  # how often each is right


def judged(count: int, seed: int = 0, asks: str = "Question", ties: int = 0) -> bytes:
    """Pairs with four judges each: two good ones, a fair one, one who guesses. The first response
    is the better one of every even line; the last `ties` lines are split."""
    draw = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for i in range(count):
        better, worse = "ab"[i % 2], "ba"[i % 2]
        said = {who: better if draw.random() < skill else worse for who, skill in SKILLS.items()}
        if i >= count - ties:
            said = {who: "ab"[at % 2] for at, who in enumerate(said)}
        comparisons = [
            {"a": "a", "b": "b", "outcome": each, "annotator": who} for who, each in said.items()
        ]
        rows.append(
            {
                "id": f"r{i}",
                "messages": [{"role": "user", "content": f"{asks} {i} about {i * i}?"}],
                "responses": [
                    {"id": name, "text": f"Answer {name} to {asks} {i}"} for name in "ab"
                ],
                "comparisons": comparisons,
                "gold": {"better": [better], "worse": [worse]},
            }
        )
    return b"\n".join(map(orjson.dumps, rows))


def audited(client: TestClient, dataset: str, **options: Any) -> str:
    wanted = {"embed": False, "anchors": 0, **options}
    return asked(client, f"/datasets/{dataset}/audits", wanted)["audit"]["id"]


def reviewable(client: TestClient, name: str, *contents: bytes, **options: Any) -> str:
    dataset = uploaded(client, name, *(contents or (judged(24),)))
    audited(client, dataset, **options)
    return dataset


def got(client: TestClient, path: str, status: int = 200, **query: Any) -> Any:
    answer = client.get(f"/api/v1{path}", params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


def queue(client: TestClient, dataset: str, **query: Any) -> list[dict[str, Any]]:
    """All pages of the queue."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = got(client, f"/datasets/{dataset}/review",
                   limit=100, **query, **({"cursor": cursor} if cursor else {}))  # fmt: skip
        found += page["items"]
        if (cursor := page["next_cursor"]) is None:
            return found


def decide(
    client: TestClient, dataset: str, item: str, verdict: str, author: str = "eve", **rest: Any
) -> dict[str, Any]:
    body = {"verdict": verdict, "author": author, **rest}
    return asked(client, f"/datasets/{dataset}/review/{item}/verdicts", body)
