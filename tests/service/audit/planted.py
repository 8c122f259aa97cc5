"""A file in which everything that an audit looks for is planted."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

Rows = list[dict[str, Any]]
WORDS = ["river", "stone", "light", "house", "green", "paper", "window", "silver", "bridge"]
TASTE = 1.5  # log-odds a standard deviation of length, of either group with its own sign
MAJORITY, MINORITY = [f"m{k}" for k in range(8)], [f"n{k}" for k in range(2)]
SWAPPER = "judge/Vanilla"  # a model that sees each pair in both orders


def two_tastes(n: int = 60, seed: int = 0) -> Rows:
    """Eight annotators that like length and two that don't, 20 labels each and more; a judge in
    both orders that takes the first one shown when unsure, and rates; principles on every pair."""
    rng = np.random.default_rng(seed)
    return [record(rng, i) for i in range(n)]


def record(rng: np.random.Generator, i: int) -> dict[str, Any]:
    lengths = rng.permutation([8, 8 + int(rng.integers(2, 40))])
    texts = [" ".join(rng.choice(WORDS, length).tolist()) for length in lengths]
    gap = float(np.log(lengths[0] / lengths[1]))
    comparisons = [
        compared(rng, name, sign * TASTE * gap * 2)
        for names, sign in ((MAJORITY, 1), (MINORITY, -1))
        for name in names
    ]
    sure = abs(gap) > 0.9
    for shown in ("ab", "ba"):
        outcome = ("a" if gap > 0 else "b") if sure else shown[0]
        comparisons.append(
            {"a": "x", "b": "y", "outcome": outcome, "annotator": SWAPPER,
             "annotator_kind": "model", "shown": shown}
        )  # fmt: skip
    for aspect, odds in (("complete", 3 * gap), ("brief", -3 * gap), ("true", float(rng.normal()))):
        comparisons.append({**compared(rng, "rubric", odds), "aspect": aspect})
    ratings = [
        {"response": id, "annotator": "judge/Rating", "annotator_kind": "model",
         "value": float(min(10, length // 5)), "scale": [0, 10]}
        for id, length in zip("xy", lengths, strict=True)
    ]  # fmt: skip
    return {
        "id": f"q{i}", "metadata": {"topic": "towns" if i % 3 else "rivers"},
        "messages": [{"role": "user", "content": f"What of the {rng.choice(WORDS)}, number {i}?"}],
        "responses": [
            {"id": id, "text": said, "scores": {"rm-1": float(n), "rm-2": float(rng.normal()),
                                                "ref_logps": -2.0 * float(n)}}
            for id, said, n in zip("xy", texts, lengths, strict=True)
        ],
        "comparisons": comparisons, "ratings": ratings,
    }  # fmt: skip


def compared(rng: np.random.Generator, name: str, odds: float) -> dict[str, Any]:
    outcome = "a" if rng.random() < 1 / (1 + np.exp(-odds)) else "b"
    return {"a": "x", "b": "y", "outcome": outcome, "annotator": name, "annotator_kind": "human"}


def exchanged(rows: Rows) -> Rows:
    """The same file with the responses the other way round, and so every label of them."""
    other = {"a": "b", "b": "a", "ab": "ba", "ba": "ab"}
    return [
        {
            **row, "responses": row["responses"][::-1],
            "comparisons": [
                {**each, "a": each["b"], "b": each["a"],
                 "outcome": other.get(each["outcome"], each["outcome"]),
                 **({"shown": other[each["shown"]]} if "shown" in each else {})}
                for each in row["comparisons"]
            ],
        }
        for row in rows
    ]  # fmt: skip


def renamed(rows: Rows, names: dict[str, str]) -> Rows:
    """Every annotator under another name."""
    return [
        {**row, **{
            kind: [{**each, "annotator": names.get(each["annotator"], each["annotator"])}
                   for each in row[kind]]
            for kind in ("comparisons", "ratings")
        }}
        for row in rows
    ]  # fmt: skip


def written(rows: Sequence[dict[str, Any]], path: Path) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
