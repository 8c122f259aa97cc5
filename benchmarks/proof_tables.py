"""The tables of benchmarks.proof: pooled gains, every cell, and who beats all data."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from benchmarks.protocol import BUDGETS, LEVEL, Tested, holm, tested
from curation.evaluation.heads import HEADS

Found = Mapping[str, Any]


def lines(found: Found) -> Iterator[str]:
    """Markdown, from what benchmarks.proof.run gives."""
    sets = list(dict.fromkeys(cell["set"] for cell in found["cells"]))
    yield "# Leaderboard: what a subset gains over a random one on real sets"
    yield ""
    yield (
        "Written by `python -m benchmarks.proof`; benchmarks/protocol.py fixes sets, splits, flips "
        f"and tests. Seed {found['seed']}, {found['draws']} random subsets a cell, "
        f"{found['cpu_seconds']:,} CPU-seconds. Intervals are 95 %, by the corrected resampled "
        "t-test over splits; a figure beside all data is bold where its interval lies above 0."
    )
    yield ""
    splits = {name: len({c["split"] for c in found["cells"] if c["set"] == name}) for name in sets}
    done = ", ".join(
        f"{name} ({count} of {found['splits']} splits)" for name, count in splits.items()
    )
    yield f"Suitable sets: {done or 'none'}. Not suitable:"
    yield ""
    yield from (f"- {name}: {why}." for name, why in found["left_out"].items())
    if not sets:
        return
    yield ""
    yield "Gain over random of the same size, pooled over sets, labels and heads, by budget:"
    yield ""
    yield "| recipe | " + " | ".join(f"{budget:.0%}" for budget in BUDGETS) + " |"
    yield "|---" * (1 + len(BUDGETS)) + "|"
    for arm in found["arms"]:
        pooled = [said(pool(found, arm, f"{budget:.0%}")) for budget in BUDGETS]
        yield f"| {arm} | " + " | ".join(pooled) + " |"
    for arm in found["arms"]:
        yield ""
        yield from one_arm(found, arm)


def one_arm(found: Found, arm: str) -> Iterator[str]:
    rows = [
        (name, condition, budget, head)
        for name in dict.fromkeys(cell["set"] for cell in found["cells"])
        for condition in dict.fromkeys(cell["condition"] for cell in found["cells"])
        for budget in (f"{budget:.0%}" for budget in BUDGETS)
        for head in HEADS
    ]
    tests = [tested(gains(found, arm, *row)) for row in rows]
    corrected = holm([one.p for one in tests])
    worse = sum(p < LEVEL and one.mean < 0 for one, p in zip(tests, corrected, strict=True))
    better = sum(p < LEVEL and one.mean > 0 for one, p in zip(tests, corrected, strict=True))
    yield f"### {arm}"
    yield ""
    yield (
        f"{len(rows)} cells: mean gain above 0 in {sum(one.mean > 0 for one in tests)}, "
        f"significantly above 0 in {better}, significantly below 0 in {worse} (Holm)."
    )
    yield ""
    header = ("set", "labels", "kept", "head", "subset", "random", "all data", "gain", "p (Holm)")
    yield f"| {' | '.join(header)} | − all data |"
    yield "|---" * 10 + "|"
    for row, test, p in zip(rows, tests, corrected.tolist(), strict=True):
        subset, drawn, full = columns(found, arm, *row)
        over = tested(np.array(subset) - np.array(full))
        figures = " | ".join(f"{np.mean(each):.3f}" for each in (subset, drawn, full))
        beats = f"**{over.mean:+.3f}**" if over.low > 0 else f"{over.mean:+.3f}"
        yield f"| {' | '.join(row)} | {figures} | {said(test)} | {p:.3f} | {beats} |"


def columns(
    found: Found, arm: str, name: str, condition: str, budget: str, head: str
) -> tuple[list[float], list[float], list[float]]:
    """By split: accuracy of the subset, of random, of all data."""
    cells = [c for c in found["cells"] if (c["set"], c["condition"]) == (name, condition)]
    pairs = [cell["arms"][budget][arm][head] for cell in cells]
    return [a for a, _ in pairs], [b for _, b in pairs], [cell["full"][head] for cell in cells]


def gains(found: Found, arm: str, name: str, condition: str, budget: str, head: str) -> list[float]:
    subset, drawn, _ = columns(found, arm, name, condition, budget, head)
    return [a - b for a, b in zip(subset, drawn, strict=True)]


def pool(found: Found, arm: str, budget: str) -> Tested:
    """The mean over sets, labels and heads, by split: cells of one split depend on each other."""
    by_split: dict[int, list[float]] = {}
    for cell in found["cells"]:
        each = cell["arms"][budget][arm]
        by_split.setdefault(cell["split"], []).extend(each[h][0] - each[h][1] for h in HEADS)
    return tested([float(np.mean(values)) for values in by_split.values()])


def said(test: Tested) -> str:
    return f"{test.mean:+.3f} [{test.low:+.3f}, {test.high:+.3f}]"
