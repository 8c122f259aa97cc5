"""Does the review that follows errors find more of them than random pairs, where they are planted?

    python -m benchmarks.error_driven [--data DIR] [--seeds 20] [--pairs 600] [--verdicts 100]

hh_harmless: labels of the first pairs are turned in three ways (in two topics of eight, towards the
longer answer, anywhere), 20 random verdicts say where belief errs, and the others follow
`error_driven`, ten at a time. A lift of 1 is what random pairs find.
"""

import argparse
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.outcome import interval
from benchmarks.subset_vs_random import DEFAULT_DATA
from curation.consensus.votes import A, Anchors, B
from curation.items import Floats
from curation.models.surroundings import surroundings
from curation.models.topics import topics
from curation.review.error_driven import pair_vectors, similar_to_errors
from curation.review.lexical import leans
from service.audit.collect import Collector

KINDS, FIRST, BATCH = ("in two topics", "towards the longer", "anywhere"), 20, 10


def planted(
    kind: str,
    rng: np.random.Generator,
    about: NDArray[np.str_],
    longer: NDArray[np.int64],
    truth: NDArray[np.int64],
) -> NDArray[np.bool_]:
    draw = rng.random(len(truth))
    if kind == KINDS[0]:
        return np.isin(about, rng.choice(np.unique(about), 2, replace=False)) & (draw < 0.7)
    return (longer != truth) & (draw < 0.5) if kind == KINDS[1] else draw < 0.2


def found(
    wrong: NDArray[np.bool_],
    truth: NDArray[np.int64],
    around: Floats,
    towards: Floats,
    verdicts: int,
    rng: np.random.Generator,
) -> float:
    """The share of wrong labels among those that the order chose, over their share of all."""
    labels = np.where(wrong, 1 - truth, truth)
    vectors, p_a = pair_vectors(around, towards, labels), np.where(labels == A, 0.8, 0.2)
    ids, everything = [f"{row:06}" for row in range(len(truth))], np.arange(len(truth))
    seen = rng.permutation(len(truth))[:FIRST].tolist()
    while len(seen) < verdicts:
        known = Anchors.of(sorted((row, bool(truth[row] == A)) for row in seen))
        pool = np.setdiff1d(everything, seen)
        seen += similar_to_errors(vectors, p_a, known, pool, ids).rows[:BATCH].tolist()
    return float(wrong[seen[FIRST:]].mean() / wrong.mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    folder = Path(os.environ.get("PREFSIFT_TEST_DATA") or DEFAULT_DATA)
    parser.add_argument("--data", type=Path, default=folder)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=600)
    parser.add_argument("--verdicts", type=int, default=100)
    given = parser.parse_args()
    collector, path = Collector(), given.data / "hh_harmless" / "test.jsonl.gz"
    collector.file(path, path.name, None)
    questions = collector.questions()
    texts, truth = [*(questions.texts or ())][: given.pairs], questions.labels[: given.pairs]
    about = np.array(topics([prompt for prompt, _, _ in texts]))
    around, towards = surroundings(texts), leans(texts)
    longer = np.where(towards[:, 0] > 0, A, B)
    print(f"hh_harmless: {len(texts)} pairs, {given.verdicts} verdicts, {given.seeds} seeds")
    for kind in KINDS:
        lifts: list[float] = []
        for seed in range(given.seeds):
            rng = np.random.default_rng(seed)
            wrong = planted(kind, rng, about, longer, truth)
            lifts.append(found(wrong, truth, around, towards, given.verdicts, rng))
        mean, half = interval(lifts)
        print(f"errors {kind:20} lift {mean:.2f} ± {half:.2f}")


if __name__ == "__main__":
    main()
