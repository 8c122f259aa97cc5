"""The fixed protocol of benchmarks.proof: sets, splits, seeds, planted flips, tests.

Written down and committed before any selector was tuned. Methods are tuned with TUNING_SEED alone;
what is reported uses REPORT_SEED: other splits, other flips, other random subsets. The texts are
the same, so that a method which was tuned on a set may still suit it better than a new one.

The first report (REPORT_SEED 41,007, gradient_matching version 2) missed the bar in 8 of 120 cells.
As its cells had been looked at, REPORT_SEED was changed before version 3 was run on any of them; it
was tuned with TUNING_SEED again, and reported once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import t as student

from benchmarks.subset_vs_random import with_vectors
from curation.evaluation.heads import HEADS, kernels
from curation.items import Floats, Pairs, View
from service.audit.decided import decided, digest

# Every file of the shared data with preferences between texts or images.
SETS: Mapping[str, str] = {
    "hh_harmless": "hh_harmless/test.jsonl.gz",
    "qa_feedback": "qa_feedback/dev_feedback.json.gz",
    "oasst": "oasst/en_100_tree.jsonl.gz",
    "rm_bench_chat": "rm_bench/chat_filtered.json.gz",
    "rm_bench_refuse": "rm_bench/safety-refuse_filtered.json.gz",
    "hhh": "hhh/hhh_alignment_eval.json.gz",
    "llmbar": "llmbar/natural_neighbor.jsonl.gz",
    "sparse_feedback": "sparse_feedback/feedback_rankings_sample_generation.csv",
    "imagereward": "imagereward/test_first300.json.gz",
}
LEAST_PAIRS = 500
LEAST_ACCURACY = 0.60  # of the strong head on all data, held out, labels as given
STRONG = "independent"

SPLITS = 10  # two repeats of five folds by prompt; flips and random subsets are drawn anew in each
DRAWS = 5
REPORT_SEED = 73_019
TUNING_SEED = 7
BUDGETS = (0.1, 0.2, 0.5)
TEST_TO_TRAIN = 0.25
LEVEL = 0.05


class Condition(NamedTuple):
    """Wrong labels planted into a share of the pairs: `hard`, into those a head finds hard."""

    name: str
    rate: float
    hard: bool


CONDITIONS = (
    Condition("as given", 0.0, False),
    Condition("20 % flipped", 0.2, False),
    Condition("30 % flipped", 0.3, False),
    Condition("20 % flipped, hard pairs more", 0.2, True),
    Condition("30 % flipped, hard pairs more", 0.3, True),
)


class Set(NamedTuple):
    """Pairs with vectors, and by head the inner products of their feature differences."""

    name: str
    pairs: Pairs
    grams: Mapping[str, NDArray[np.float64]]


def load(name: str, data: Path, cache: Path) -> Set | str:
    """The set, or why it can't be suitable. Vectors and inner products are kept in `cache`."""
    found = decided([data / SETS[name]])
    if found.media:
        return f"{found.labels} pairs of images: the heads read texts"
    pairs = found.pairs
    if len(pairs) < LEAST_PAIRS:
        return f"{len(pairs)} decided pairs, fewer than {LEAST_PAIRS}"
    file = cache / f"proof-{name}-{digest(*pairs.ids)}.npz"
    if not file.exists():
        pairs = with_vectors(pairs)
        arrays: dict[str, Any] = {view.name: matrix for view, matrix in pairs.vectors.items()}
        cache.mkdir(parents=True, exist_ok=True)
        arrays |= {f"gram_{head}": gram for head, gram in kernels(pairs).items()}
        np.savez(file, **arrays)
    with np.load(file) as kept:
        pairs = replace(pairs, vectors={view: kept[view.name] for view in View})
        return Set(name, pairs, {head: kept[f"gram_{head}"] for head in HEADS})


def signs(
    condition: Condition, gram: NDArray[np.float64], seed: int, number: int
) -> NDArray[np.float64]:
    """(n,) -1 where the label is turned round. `gram` of the head that finds pairs hard."""
    rng = np.random.default_rng([seed, number, CONDITIONS.index(condition)])
    drawn = rng.random(len(gram))
    if not condition.hard:
        return np.where(drawn < condition.rate, -1.0, 1.0)
    ease = np.abs(gram.sum(axis=1)).argsort().argsort() / len(gram)
    chance = expit(2 - 6 * ease)
    return np.where(drawn < condition.rate * chance / chance.mean(), -1.0, 1.0)


class Tested(NamedTuple):
    """A mean over splits with its 95 % interval, and the two-sided p of no difference."""

    mean: float
    low: float
    high: float
    p: float


def tested(values: Sequence[float] | Floats) -> Tested:
    """The corrected resampled t-test: the training sets overlap (Nadeau & Bengio 2003)."""
    figures = np.asarray(values, np.float64)
    n, mean = len(figures), float(figures.mean())
    if n < 2:
        return Tested(mean, -np.inf, np.inf, 1.0)
    error = float(np.sqrt((1 / n + TEST_TO_TRAIN) * figures.var(ddof=1)))
    half = float(student.ppf(1 - LEVEL / 2, n - 1)) * error
    p = 1.0 if error == 0 else float(2 * student.sf(abs(mean) / error, n - 1))
    return Tested(mean, mean - half, mean + half, p)


def holm(ps: Sequence[float]) -> NDArray[np.float64]:
    """p-values of a family of tests, corrected step by step (Holm 1979)."""
    raw = np.asarray(ps, np.float64)
    order = raw.argsort(kind="stable")
    stepped = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1))
    found = np.empty(len(raw))
    found[order] = np.minimum(stepped, 1.0)
    return found
