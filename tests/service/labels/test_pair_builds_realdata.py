"""Pairs built from public data, against counts that pandas makes of the raw files alone."""

import gzip
import json
from collections import Counter
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from tests.service.intake.uploading import ingested, new_dataset
from tests.service.labels.pair_building import ask, built, pairs_of

pytestmark = pytest.mark.realdata
Rung = list[tuple[str, str]]


def taken(client: TestClient, path: Path) -> str:
    """A dataset of the file, in its own layout."""
    dataset = new_dataset(client, path.name)
    assert ingested(client, dataset, path.read_bytes())["state"] == "ingested"
    return dataset


def report(client: TestClient, dataset: str, policy: Any) -> dict[str, Any]:
    answer = ask(client, dataset, policy, preview=True)
    assert answer.status_code == 200, answer.text
    return answer.json()["report"]


def margins(found: dict[str, Any]) -> dict[float, int]:
    return {round(bin["low"], 4): bin["pairs"] for bin in found["margins"]}


def gaps_of(scores: pd.Series, least: float = 1e-9) -> list[float]:
    """Of every two values of a group."""
    return [abs(a - b) for a, b in combinations(scores, 2) if abs(a - b) >= least]


def loaded(path: Path) -> Any:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return json.load(file)


def test_ratings_of_sparse_feedback(client: TestClient, rung: Rung, data: Path) -> None:
    path = data / "sparse_feedback" / "feedback_ratings_sample_generation.csv"
    frame = pd.read_csv(path, header=None, names=["task", "input", "answer", "score"])
    frame = frame.fillna("")  # pyright: ignore[reportUnknownMemberType]
    means = frame.groupby(["task", "input", "answer"])["score"].mean()
    groups = [group for _, group in means.groupby(level=[0, 1])]
    dataset = taken(client, path)
    found = report(client, dataset, "best_vs_worst")
    assert found["prompts"] == len(groups)
    assert found["pairs"] == sum(group.max() > group.min() for group in groups)
    assert margins(found) == Counter(
        round(float(group.max() - group.min()), 4) for group in groups if group.max() > group.min()
    )
    for least in (1.0, 2.0):
        expected = sum(len(gaps_of(group, least)) for group in groups)
        assert report(client, dataset, {"kind": "all_pairs", "min_gap": least})["pairs"] == expected
    curry = built(client, dataset, "curry")
    assert curry["pairs"] == sum((group < group.max()).sum() for group in groups)
    assert {pair["curriculum_stage"] for pair in pairs_of(client, dataset)} >= {1, 2}


def test_likert_scores_of_tifa(client: TestClient, rung: Rung, data: Path) -> None:
    path = data / "tifa" / "human_annotations_with_scores.json.gz"
    frame = pd.DataFrame(loaded(path).values())
    frame["score"] = [sum(scores) / len(scores) for scores in frame["human_scores"]]
    groups = [group["score"] for _, group in frame.groupby("text")]
    dataset = taken(client, path)
    found = report(client, dataset, "best_vs_worst")
    assert (found["prompts"], found["pairs"]) == (160, 149)
    assert found["pairs"] == sum(group.max() > group.min() for group in groups)
    every = report(client, dataset, "all_pairs")
    assert margins(every) == Counter(round(gap, 4) for group in groups for gap in gaps_of(group))
    assert every["ties"] == sum(len(group) * (len(group) - 1) // 2 for group in groups) - sum(
        len(gaps_of(group)) for group in groups
    )


@pytest.mark.parametrize(("name", "pairs"), [("comprehensive", 27_602), ("counting", 56_747)])
def test_thumbs_of_tia2(client: TestClient, rung: Rung, data: Path, name: str, pairs: int) -> None:
    path = data / "tia2" / f"human_labels_{name}.json.gz"
    frame = pd.DataFrame(loaded(path).values()).explode("human_labels")
    frame = frame[frame["human_labels"] >= 0]
    share = frame.groupby(["caption", "image"])["human_labels"].mean().astype(float)
    expected: Counter[float] = Counter()
    for _, group in share.groupby(level=0):
        up, down = group[group > 0.5], group[group < 0.5]
        expected.update(round(a - b, 4) for a, b in product(up, down))
    dataset = taken(client, path)
    found = report(client, dataset, {"kind": "up_vs_down"})
    assert found["pairs"] == pairs == sum(expected.values())
    assert margins(found) == expected
    assert found["ties"] == (share == 0.5).sum()
    capped = report(client, dataset, "up_vs_down")
    assert capped["pairs"] + capped["skipped"]["over_cap"] == pairs


def test_rankings_of_imagereward(client: TestClient, rung: Rung, data: Path) -> None:
    path = data / "imagereward" / "test_first300.json.gz"
    frame = pd.DataFrame(loaded(path))
    ranks = [pd.Series(ranking).rank(method="dense") for ranking in frame["ranking"]]
    dataset = taken(client, path)
    every = report(client, dataset, "ranked_all")
    assert every["prompts"] == frame["prompt"].nunique()
    assert margins(every) == Counter(gap for rank in ranks for gap in gaps_of(rank))
    adjacent = sum(
        (rank == t).sum() * (rank == t + 1).sum() for rank in ranks for t in rank.unique()
    )
    assert report(client, dataset, "ranked_adjacent")["pairs"] == adjacent
    top = sum((rank == 1).sum() * (rank > 1).sum() for rank in ranks)
    assert report(client, dataset, None)["pairs"] == top == 1764


def test_comparisons_of_qa_feedback(client: TestClient, rung: Rung, data: Path) -> None:
    path = data / "qa_feedback" / "dev_feedback.json.gz"
    dataset = taken(client, path)
    found = report(client, dataset, "majority")
    assert (found["pairs"], found["ties"]) == (2616, 384)
    assert report(client, dataset, "each_judgment")["pairs"] == 2616
    soft = report(client, dataset, {"kind": "majority", "ties": "soft"})
    assert soft["pairs"] == 3000 - found["skipped"].get("equal_texts", 0)


def test_sibling_ranks_of_oasst(client: TestClient, rung: Rung, data: Path) -> None:
    """Every node of a tree is a prompt: the thread so far, and its ranked replies."""
    with gzip.open(data / "oasst" / "en_100_tree.jsonl.gz", "rt", encoding="utf-8") as file:
        nodes = [node for line in file for node in answered(json.loads(line)["prompt"], [])]
    dataset = new_dataset(client)
    assert ingested(client, dataset, b"".join(map(native, nodes)))["rejected"] == 0
    siblings = [ranks for _, replies in nodes if len(ranks := ranks_of(replies)) > 1]
    every = report(client, dataset, "ranked_all")
    assert every["prompts_paired"] == len(siblings) == 212
    assert every["pairs"] == sum(len(ranks) * (len(ranks) - 1) // 2 for ranks in siblings)
    adjacent = report(client, dataset, "ranked_adjacent")
    assert adjacent["pairs"] == sum(len(ranks) - 1 for ranks in siblings)


Node = tuple[list[dict[str, str]], list[dict[str, Any]]]


def answered(message: dict[str, Any], before: list[dict[str, str]]) -> list[Node]:
    """(thread, replies) of each prompter message that has replies, down the whole tree."""
    role = "user" if message["role"] == "prompter" else "assistant"
    thread = [*before, {"role": role, "content": message["text"]}]
    replies: list[dict[str, Any]] = message["replies"]
    own = [(thread, replies)] if role == "user" and replies else []
    return own + [node for reply in replies for node in answered(reply, thread)]


def ranks_of(replies: list[dict[str, Any]]) -> list[int]:
    return [reply["rank"] for reply in replies if reply.get("rank") is not None]


def native(node: Node) -> bytes:
    thread, replies = node
    ranked = sorted((r for r in replies if r.get("rank") is not None), key=lambda r: r["rank"])
    record = {
        "messages": thread,
        "responses": [{"id": reply["message_id"], "text": reply["text"]} for reply in replies],
        "rankings": [{"tiers": [[reply["message_id"]] for reply in ranked]}] if ranked else [],
    }
    return json.dumps(record).encode() + b"\n"
