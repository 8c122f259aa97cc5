"""How well are 20 % flipped labels found, one label a pair, nothing else? AUROC by view and peer.

    python -m benchmarks.flipped_labels [--data DIR] [--sets hh_harmless qa_feedback] [--seeds 3]

Peers are what a user would write in an evening: scikit-learn's logistic regression on one view,
cross-validated by prompt; its probability of the given label is cleanlab's self-confidence. All
arms see the same flips and the same vectors. Results of 09-benchmarks: one view .617, six .689 on
hh_harmless; .530 and .571 on qa_feedback.
"""

import argparse
import os
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from benchmarks.subset_vs_random import DEFAULT_DATA, SETS, flipped, pairs_of, with_vectors
from curation.items import Pairs, View
from curation.models.ensemble import combine, head_margins
from curation.signals.reward_margin import RewardMargin

RATE = 0.2


def prefsift(pairs: Pairs, seed: int) -> dict[str, NDArray[np.float64]]:
    """Margins of the ensemble, and of each of its views alone."""
    signal = RewardMargin(seed=seed)
    fit = signal.fit(pairs)
    print(f"  seed {seed}: " + "  ".join(f"{k} {v:.3f}" for k, v in fit.metrics.items()))
    by_view = head_margins(pairs, signal.plan(), fit.arrays)
    every = np.concatenate(list(by_view.values()), axis=2)
    arms = {**{f"view {name}": m for name, m in by_view.items()}, "prefsift, all views": every}
    return {
        name: combine(pairs.prompt_ids, signal.plan(), fit.arrays, margin).mean
        for name, margin in arms.items()
    }


def peer(differences: Any, pairs: Pairs) -> NDArray[np.float64]:
    """log-odds of the label as given; both orders of each pair are shown in training."""
    margin = np.zeros(len(pairs))
    groups = np.array(pairs.prompt_ids, object)
    stack = sparse.vstack if sparse.issparse(differences) else np.vstack
    for train, test in GroupKFold(5).split(margin, groups=groups):
        both: Any = stack([differences[train], -differences[train]])
        labels = np.repeat([1, 0], len(train))
        model = LogisticRegression(fit_intercept=False, max_iter=1000).fit(both, labels)
        margin[test] = model.decision_function(differences[test])
    return margin


def peers(pairs: Pairs) -> dict[str, NDArray[np.float64]]:
    words: Any = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    words.fit([*pairs.chosen, *pairs.rejected])
    tfidf = words.transform(pairs.chosen) - words.transform(pairs.rejected)
    minilm = pairs.vectors[View.prompt_chosen] - pairs.vectors[View.prompt_rejected]
    lengths = np.array(
        [[len(a) - len(b)] for a, b in zip(pairs.chosen, pairs.rejected, strict=True)]
    )
    return {
        "peer: scikit-learn on MiniLM": peer(minilm / minilm.std(), pairs),
        "peer: scikit-learn on tf-idf": peer(tfidf.tocsr(), pairs),
        "peer: scikit-learn on length": peer(lengths / max(lengths.std(), 1), pairs),
    }


def run(name: str, data: Path, seeds: int) -> None:
    pairs = with_vectors(pairs_of(SETS[name](data)))
    print(f"{name}: {len(pairs)} pairs, {RATE:.0%} flipped, {seeds} seeds")
    found: dict[str, list[float]] = defaultdict(list)
    seconds: dict[str, float] = defaultdict(float)
    for seed in range(seeds):
        wrong = np.random.default_rng(seed).random(len(pairs)) < RATE
        noisy = flipped(pairs, wrong)
        sides: dict[str, Callable[[], dict[str, NDArray[np.float64]]]] = {
            "peers": partial(peers, noisy),
            "prefsift": partial(prefsift, noisy, seed),
        }
        for side, arms in sides.items():
            start = time.process_time()
            for arm, margin in arms().items():
                found[arm].append(float(roc_auc_score(wrong, -margin)))
            seconds[side] += time.process_time() - start
    for arm, scores in found.items():
        print(f"  {arm:32} {np.mean(scores):.3f}  (± {np.std(scores):.3f} over seeds)")
    best = max(np.mean(scores) for arm, scores in found.items() if arm.startswith("peer"))
    gain = np.mean(found["prefsift, all views"]) - best
    spent = "  ".join(f"{side} {total / seeds:.1f}" for side, total in seconds.items())
    print(f"  prefsift − best peer: {gain:+.3f}; CPU-seconds a seed: {spent}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    folder = Path(os.environ.get("PREFSIFT_TEST_DATA") or DEFAULT_DATA)
    parser.add_argument("--data", type=Path, default=folder)
    parser.add_argument("--sets", nargs="+", default=["hh_harmless", "qa_feedback"])
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    for name in given.sets:
        run(name, given.data, given.seeds)


if __name__ == "__main__":
    main()
