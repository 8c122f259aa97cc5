"""The tables of benchmarks.proof: pooled gains, every cell, and who beats all data."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.protocol import BUDGETS, LEVEL, Tested, holm, tested
from curation.evaluation.heads import HEADS

Found = Mapping[str, Any]
Cells = Sequence[Mapping[str, Any]]
Row = tuple[str, str, str, str]  # set, labels, budget, head
KEPT = tuple(f"{budget:.0%}" for budget in BUDGETS)


def lines(found: Found) -> Iterator[str]:
    """Markdown from what benchmarks.proof.run gives: cells of the first arm, others by set."""
    sets = distinct(found["cells"], "set")
    yield "# Leaderboard: what a subset gains over a random one on real sets"
    yield ""
    yield (
        "Written by `python -m benchmarks.proof`; benchmarks/protocol.py fixes sets, splits, flips "
        f"and tests. Seed {found['seed']}, {found['draws']} random subsets of all training pairs a "
        f"cell, {found['cpu_seconds']:,} CPU-seconds. Intervals are 95 %, by the corrected "
        "resampled t-test over splits."
    )
    yield ""
    yield f"Suitable sets: {', '.join(sets) or 'none'}. Not suitable:"
    yield ""
    yield from (f"- {name}: {why}." for name, why in found["left_out"].items())
    if not sets:
        return
    first, *others = found["arms"]
    own = having(found["cells"], [first])
    yield ""
    yield "## Gain over random of the same size"
    yield ""
    yield (
        "Pooled with equal weight for each set, over labels and both heads, on the splits that all "
        f"sets have. {first}, on {described(own)}:"
    )
    yield ""
    yield from pooled(own, [first])
    if others:
        shared = having(found["cells"], found["arms"])
        yield ""
        yield f"Recipes beside each other, on {described(shared)}:"
        yield ""
        yield from pooled(shared, by_gain(shared, found["arms"]))
        yield ""
        yield from by_set(shared, by_gain(shared, found["arms"]))
    yield ""
    yield from beating_all(found)
    yield ""
    yield from one_arm(own, first)


def distinct(cells: Cells, key: str) -> list[Any]:
    return list(dict.fromkeys(cell[key] for cell in cells))


def having(cells: Cells, arms: Sequence[str]) -> Cells:
    """The cells that all of these arms were run on."""
    return [cell for cell in cells if set(arms) <= set(cell["arms"][KEPT[0]])]


def described(cells: Cells) -> str:
    labels = "; ".join(distinct(cells, "condition"))
    return f"{len(common(cells))} splits of {', '.join(distinct(cells, 'set'))} (labels: {labels})"


def common(cells: Cells) -> list[int]:
    """Splits that every set has under the same number of conditions."""
    by_set = [
        {cell["split"] for cell in cells if cell["set"] == name} for name in distinct(cells, "set")
    ]
    return sorted(set[int].intersection(*by_set)) if by_set else []


def pooled(cells: Cells, arms: Sequence[str]) -> Iterator[str]:
    yield f"| recipe | {' | '.join(KEPT)} |"
    yield "|---" * (1 + len(KEPT)) + "|"
    for arm in arms:
        yield f"| {arm} | {' | '.join(said(pool(cells, arm, budget)) for budget in KEPT)} |"


def by_gain(cells: Cells, arms: Sequence[str]) -> list[str]:
    return sorted(arms, key=lambda arm: -pool(cells, arm, KEPT[0]).mean)


def pool(cells: Cells, arm: str, budget: str) -> Tested:
    """By split, as cells of one split depend on each other: the mean of the sets' means."""
    names = distinct(cells, "set")
    return tested([float(np.mean([of_set(cells, n, arm, budget, at) for n in names]))
                   for at in common(cells)])  # fmt: skip


def of_set(cells: Cells, name: str, arm: str, budget: str, split: int) -> float:
    """Mean gain over labels and heads."""
    arms = [c["arms"][budget][arm] for c in cells if (c["set"], c["split"]) == (name, split)]
    return float(np.mean([each[head][0] - each[head][1] for each in arms for head in HEADS]))


def by_set(cells: Cells, arms: Sequence[str]) -> Iterator[str]:
    """Each recipe's gain on each set, over labels and heads, and its cells that are significant."""
    names = distinct(cells, "set")
    yield f"| recipe | kept | {' | '.join(names)} | cells above / below 0 (Holm, of its own) |"
    yield "|---" * (3 + len(names)) + "|"
    for arm in arms:
        better, worse = significant(cells, arm)
        for budget in KEPT:
            gains = [
                said(tested([of_set(cells, n, arm, budget, at) for at in common(cells)]))
                for n in names
            ]
            counts = [sum(row[2] == budget for row in part) for part in (better, worse)]
            yield f"| {arm} | {budget} | {' | '.join(gains)} | {counts[0]} / {counts[1]} |"


def significant(cells: Cells, arm: str) -> tuple[list[Row], list[Row]]:
    """Rows whose gain is above, and below 0, corrected for all rows of the arm."""
    rows, tests, corrected = family(cells, arm)
    told = [(r, t.mean) for r, t, p in zip(rows, tests, corrected, strict=True) if p < LEVEL]
    return [row for row, mean in told if mean > 0], [row for row, mean in told if mean < 0]


def family(cells: Cells, arm: str) -> tuple[list[Row], list[Tested], list[float]]:
    rows = [
        (name, condition, budget, head)
        for name in distinct(cells, "set")
        for condition in distinct(cells, "condition")
        for budget in KEPT
        for head in HEADS
    ]
    tests = [tested(gains(cells, arm, row)) for row in rows]
    return rows, tests, holm([one.p for one in tests]).tolist()


def beating_all(found: Found) -> Iterator[str]:
    """Where a subset beats all data, and with which head."""
    yield "## Where a subset also beats all data"
    yield ""
    yield (
        "By head: cells whose interval of subset less all data lies above 0, of so many; "
        "uncorrected, one in forty would by chance. Flips that hit hard pairs more: *hard*."
    )
    yield ""
    for arm in found["arms"]:
        cells = having(found["cells"], [arm])
        rows, _, _ = family(cells, arm)
        for head in HEADS:
            own = [row for row in rows if row[3] == head]
            over = [(row, over_all(cells, arm, row)) for row in own]
            beats = [
                f"{name}, {labels.replace(', hard pairs more', ' hard')}, {budget} {test.mean:+.3f}"
                for (name, labels, budget, _), test in over
                if test.low > 0
            ]
            told = "; ".join(beats) or "nowhere"
            yield f"- {arm}, {head} head, {len(beats)} of {len(own)}: {told}."


def over_all(cells: Cells, arm: str, row: Row) -> Tested:
    subset, _, full = columns(cells, arm, row)
    return tested(np.array(subset) - np.array(full))


def one_arm(cells: Cells, arm: str) -> Iterator[str]:
    rows, tests, corrected = family(cells, arm)
    better, worse = significant(cells, arm)
    yield f"## Every cell of {arm}"
    yield ""
    yield (
        f"{len(rows)} cells: mean gain above 0 in {sum(one.mean > 0 for one in tests)}, "
        f"significantly above 0 in {len(better)}, significantly below 0 in {len(worse)} (Holm). "
        "Subset less all data is bold where its interval lies above 0."
    )
    yield ""
    header = ("set", "labels", "kept", "head", "subset", "random", "all data", "gain", "p (Holm)")
    yield f"| {' | '.join(header)} | − all data |"
    yield "|---" * 10 + "|"
    for row, test, p in zip(rows, tests, corrected, strict=True):
        over = over_all(cells, arm, row)
        figures = " | ".join(f"{np.mean(each):.3f}" for each in columns(cells, arm, row))
        beats = f"**{over.mean:+.3f}**" if over.low > 0 else f"{over.mean:+.3f}"
        yield f"| {' | '.join(row)} | {figures} | {said(test)} | {p:.3f} | {beats} |"


def columns(cells: Cells, arm: str, row: Row) -> tuple[list[float], list[float], list[float]]:
    """By split: accuracy of the subset, of random, of all data."""
    name, condition, budget, head = row
    some = [c for c in cells if (c["set"], c["condition"]) == (name, condition)]
    pairs = [cell["arms"][budget][arm][head] for cell in some]
    return [a for a, _ in pairs], [b for _, b in pairs], [cell["full"][head] for cell in some]


def gains(cells: Cells, arm: str, row: Row) -> list[float]:
    subset, drawn, _ = columns(cells, arm, row)
    return [a - b for a, b in zip(subset, drawn, strict=True)]


def said(test: Tested) -> str:
    return f"{test.mean:+.3f} [{test.low:+.3f}, {test.high:+.3f}]"
