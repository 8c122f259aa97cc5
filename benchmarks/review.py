"""How many wrong labels does a reviewer find, verdict by verdict, in which order?

    python -m benchmarks.review [--data DIR] [--seeds 10] [--verdicts 100] [--batch 10]

LLMBar: 65 judge set-ups, and one label a pair: the verified answer, 20 % of them flipped. The
answers are hidden from every model; the reviewer's verdict reveals them, and nothing is verified
at the start. Arms: random order; the posterior nearest to one half; expected information; both
with all posteriors brought up to date after each batch of verdicts; and that after a random start.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.subset_vs_random import DEFAULT_DATA
from benchmarks.verified_pairs import RATE, llmbar
from curation.audit.content import nothing
from curation.audit.questions import UNKNOWN, Ballots, Questions
from curation.consensus.votes import NONE, A, B, Votes
from curation.items import Floats
from curation.review.queue import queue
from curation.review.update import Reviewed, reviewed
from curation.review.verdicts import Overlay, Verdict

Order = Callable[[Reviewed, NDArray[np.int64]], Floats]  # the open pairs -> what comes first

FIRST = 10  # verdicts at random, to learn whom to believe


def labelled(votes: Votes, names: list[str], labels: NDArray[np.int64]) -> Questions:
    n, rows = len(labels), np.arange(len(labels))
    ballots = Ballots(votes, np.zeros(len(votes)), names, ["model"] * len(names))
    return Questions(
        labels, np.ones(n, int), rows, 2 * rows, 2 * rows + 1, np.full(n, UNKNOWN), ballots,
        np.ones(n, bool),
    )  # fmt: skip


def arms(rng: np.random.Generator) -> dict[str, tuple[Order, bool]]:
    """Name -> what to sort by, highest first, and whether posteriors are updated."""
    noise = rng.random(10_000)
    return {
        "random": (lambda _, rows: noise[rows], False),
        "uncertainty": (lambda now, rows: -np.abs(now.posterior.p_a[rows] - 0.5), False),
        "uncertainty, updated": (lambda now, rows: -np.abs(now.posterior.p_a[rows] - 0.5), True),
        "information": (lambda now, rows: now.information[rows], False),
        "information, updated": (lambda now, rows: now.information[rows], True),
        "the same, first 10 random": (
            lambda now, rows: (noise if now.version < FIRST else now.information)[rows],
            True,
        ),
    }


def curve(
    questions: Questions, gold: NDArray[np.bool_], order: Order, updates: bool, steps: list[int]
) -> tuple[list[float], list[float]]:
    """After so many verdicts: the share of wrong labels found, and the share of the pairs that
    nobody reviewed which the posterior gets right."""
    content, overlay = nothing(len(gold), "not asked"), Overlay()
    truth = np.where(gold, A, B)
    wrong = questions.labels != truth
    now = reviewed(questions, content, NONE, overlay)
    start, seen = now, np.zeros(len(gold), bool)
    found, right = [0.0], [float(((now.posterior.p_a > 0.5) == gold).mean())]
    for step, before in zip(steps[1:], steps, strict=False):
        rows = np.flatnonzero(~seen)
        worth = order(now if updates else start, rows)
        first = rows[queue(worth - worth.min() + 1, rows.tolist())][: step - before]
        for item in first.tolist():
            overlay = overlay.add(Verdict(item, int(truth[item]), "reviewer"))
        seen[first] = True
        now = reviewed(questions, content, NONE, overlay)
        found.append(float(wrong[seen].sum() / wrong.sum()))
        right.append(float(((now.posterior.p_a > 0.5) == gold)[~seen].mean()))
    return found, right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    folder = Path(os.environ.get("PREFSIFT_TEST_DATA") or DEFAULT_DATA)
    parser.add_argument("--data", type=Path, default=folder)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--verdicts", type=int, default=100)
    parser.add_argument("--batch", type=int, default=10)
    given = parser.parse_args()
    votes, gold, names = llmbar(given.data)
    steps = list(range(0, given.verdicts + 1, given.batch))
    curves: dict[str, list[tuple[list[float], list[float]]]] = {}
    for seed in range(given.seeds):
        rng = np.random.default_rng(seed)
        labels = np.where(gold ^ (rng.random(len(gold)) < RATE), A, B)
        questions = labelled(votes, names, labels)
        for name, (order, updates) in arms(rng).items():
            curves.setdefault(name, []).append(curve(questions, gold, order, updates, steps))
    print(f"LLMBar: {len(gold)} pairs, {RATE:.0%} labels wrong, {given.seeds} seeds, ± 95 %")
    for measure, title in enumerate(("wrong labels found", "right on what nobody reviewed")):
        print(f"\n{title:22}" + "".join(f"{step:>12}" for step in steps[1:]))
        for name, runs in curves.items():
            table = np.array([run[measure] for run in runs])[:, 1:]
            half = 1.96 * table.std(axis=0) / np.sqrt(len(table))
            cells = (f"{m:.2f} ± {h:.2f}" for m, h in zip(table.mean(axis=0), half, strict=True))
            print(f"{name:22}" + "".join(f"{cell:>12}" for cell in cells))


if __name__ == "__main__":
    main()
