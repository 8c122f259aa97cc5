"""Who finds flipped labels? prefsift, cleanlab, crowd-kit, the mean vote, a single reward model.

    python -m benchmarks.denoise [--data DIR] [--seeds 10] [--anchors 30] [--speed 20000]
                                 [--sets llmbar hh_harmless qa_feedback]

LLMBar: 65 judge set-ups that share biases, a verified answer for each pair. 20 % of the verified
labels are flipped; AUROC of finding them among pairs that are no anchors.
Then the annotator models' CPU-seconds on simulated votes, alternately, prefsift and crowd-kit.
hh_harmless and qa_feedback: one label a pair, 20 % flipped, AUROC among all pairs, cross-fitted by
prompt; annotator models see one vote a pair and can't know better than it (.5).
"""

import argparse
import gzip
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
import pandas as pd
from cleanlab.rank import get_label_quality_scores
from crowdkit.aggregation import (
    GLAD,
    DawidSkene,
    MajorityVote,
    NoisyBradleyTerry,
    OneCoinDawidSkene,
)
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import t as student
from sklearn.metrics import roc_auc_score

from benchmarks.flipped_labels import peers, prefsift
from benchmarks.subset_vs_random import DEFAULT_DATA, flipped, load
from curation.consensus.anchored import anchored
from curation.consensus.dawid_skene import dawid_skene
from curation.consensus.glad import glad
from curation.consensus.majority import majority
from curation.consensus.noisy_bradley_terry import Judgments, noisy_bradley_terry
from curation.consensus.one_coin import one_coin
from curation.consensus.votes import Anchors, Votes

RATE = 0.2
Arm = Callable[[Votes, Anchors], NDArray[Any]]


def llmbar(data: Path) -> tuple[Votes, NDArray[np.bool_], list[str]]:
    with gzip.open(data / "llmbar" / "natural_neighbor.jsonl.gz") as file:
        rows = [json.loads(line) for line in file]
    names = sorted({vote["annotator"] for row in rows for vote in row["comparisons"]})
    number = {name: at for at, name in enumerate(names)}
    said = {"a": 0, "b": 1}
    table = [
        (item, number[vote["annotator"]], said.get(vote["outcome"], 2))
        for item, row in enumerate(rows)
        for vote in row["comparisons"]
    ]
    items, annotators, votes = np.array(table, np.int64).T
    gold = np.array([row["gold"]["better"] == ["r0"] for row in rows])
    return Votes(items, annotators, votes, len(rows), len(names)), gold, names


def log_odds(votes: Votes, anchors: Anchors) -> NDArray[Any]:
    """The five-line peer: each judge weighs the log-odds of its accuracy on the anchors."""
    signed = np.asarray(votes.signed.toarray())
    known, signs = signed[anchors.items], np.where(anchors.a_better, 1.0, -1.0)
    right = ((known * signs[:, None] + 1) / 2).sum(axis=0)
    return signed @ logit((right + 1) / (len(anchors.items) + 2))


def best_judge(votes: Votes, anchors: Anchors) -> NDArray[Any]:
    """The single judge that is best on the anchors."""
    signed = np.asarray(votes.signed.toarray())
    signs = np.where(anchors.a_better, 1.0, -1.0)
    return signed[:, int((signed[anchors.items].T @ signs).argmax())]


def frame(votes: Votes) -> pd.DataFrame:
    decided = votes.said < 2
    columns = {"task": votes.items, "worker": votes.annotators, "label": votes.said}
    return pd.DataFrame({name: column[decided] for name, column in columns.items()})


def crowd_kit(model: Any) -> Arm:
    def p_a(votes: Votes, _: Anchors) -> NDArray[Any]:
        found = model().fit_predict_proba(frame(votes))
        return found.reindex(range(votes.n_items))[0].fillna(0.5).to_numpy()

    return p_a


ARMS: dict[str, Arm] = {
    "mean vote": lambda votes, _: majority(votes).p_a,
    "best single judge": best_judge,
    "log-odds weights": log_odds,
    "crowd-kit majority": crowd_kit(MajorityVote),
    "crowd-kit one-coin": crowd_kit(OneCoinDawidSkene),
    "crowd-kit Dawid–Skene": crowd_kit(DawidSkene),
    "crowd-kit GLAD": crowd_kit(GLAD),
    "prefsift one-coin": lambda votes, _: one_coin(votes).p_a,
    "prefsift Dawid–Skene": lambda votes, _: dawid_skene(votes)[0].p_a,
    "prefsift GLAD": lambda votes, _: glad(votes)[0].p_a,
    "prefsift anchored": lambda votes, anchors: anchored(votes, anchors).p_a,
}
ANCHORED = {"best single judge", "log-odds weights", "prefsift anchored"}


def flips_found(data: Path, seeds: int, count: int) -> None:
    votes, gold, _ = llmbar(data)
    print(f"LLMBar: {len(gold)} pairs, {votes.n_annotators} judges, {count} anchors, {seeds} seeds")
    free = {name: arm(votes, Anchors.of([])) for name, arm in ARMS.items() if name not in ANCHORED}
    scores: dict[str, list[float]] = {name: [] for name in ARMS}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        chosen = np.sort(rng.choice(len(gold), count, replace=False))
        hidden = np.setdiff1d(np.arange(len(gold)), chosen)
        flipped = rng.random(len(gold)) < RATE
        label = np.where(gold ^ flipped, 1.0, -1.0)
        for name, arm in ARMS.items():
            p = free[name] if name in free else arm(votes, Anchors(chosen, gold[chosen]))
            doubt = -label * (p if name in {"log-odds weights", "best single judge"} else p - 0.5)
            scores[name].append(float(roc_auc_score(flipped[hidden], doubt[hidden])))
    table(scores)


def table(scores: dict[str, list[float]]) -> None:
    """Mean and half the width of a 95 % interval of the mean over seeds."""
    for name, found in scores.items():
        half = student.ppf(0.975, len(found) - 1) * np.std(found, ddof=1) / np.sqrt(len(found))
        print(f"  {name:34} {np.mean(found):.3f} ± {half:.3f}", flush=True)


def one_label(name: str, data: Path, cache: Path, seeds: int) -> None:
    pairs, _ = load(name, data, cache)
    print(f"{name}: {len(pairs)} pairs, one label each, {seeds} seeds", flush=True)
    scores: dict[str, list[float]] = {}
    alone = np.zeros(len(pairs), np.int64)
    for seed in range(seeds):
        wrong = np.random.default_rng(seed).random(len(pairs)) < RATE
        noisy = flipped(pairs, wrong)
        votes = Votes(np.arange(len(pairs)), alone, alone, len(pairs), 1)  # a is the chosen one
        trusts = {"mean vote": majority(votes).p_a, "crowd-kit Dawid–Skene": even(votes)}
        trusts |= {as_cleanlab(peer): quality(margin) for peer, margin in peers(noisy).items()}
        ours = prefsift(noisy, seed)
        single = {view: trust for view, trust in ours.items() if view.startswith("view ")}
        trusts |= {f"single reward model, {view}": trust for view, trust in single.items()}
        trusts["prefsift"] = ours["prefsift, all views"]
        for arm, trust in trusts.items():
            scores.setdefault(arm, []).append(float(roc_auc_score(wrong, -trust)))
    table(scores)


def even(votes: Votes) -> NDArray[Any]:
    return crowd_kit(DawidSkene)(votes, Anchors.of([]))


def as_cleanlab(peer: str) -> str:
    return peer.replace("peer: scikit-learn on", "cleanlab over scikit-learn,")


def quality(margin: NDArray[np.float64]) -> NDArray[np.float64]:
    """cleanlab's self-confidence of labels that all say "chosen"."""
    p = expit(margin)
    given = np.ones(len(p), np.int64)
    return get_label_quality_scores(given, np.column_stack([1 - p, p]), method="self_confidence")


def simulated(labels: int) -> Votes:
    rng = np.random.default_rng(0)
    items, who = np.repeat(np.arange(labels // 5), 5), rng.integers(0, 200, labels // 5 * 5)
    right = rng.uniform(0.6, 0.95, 200)
    truth = rng.integers(0, 2, labels // 5)
    said = np.where(rng.random(len(items)) < right[who], truth[items], 1 - truth[items])
    return Votes(items, who, said, labels // 5, 200)


def speed(labels: int) -> None:
    votes = simulated(labels)
    table = frame(votes)
    rng = np.random.default_rng(1)
    a = rng.integers(0, 500, labels)
    b = (a + rng.integers(1, 500, labels)) % 500
    won = rng.random(labels) < 0.5
    judgments = Judgments(a, b, votes.annotators[:labels], np.where(won, 0, 1), 500, 200)
    compared = pd.DataFrame(
        {"worker": votes.annotators, "left": a, "right": b, "label": np.where(won, a, b)}
    )
    print(f"CPU-seconds on {labels:,} labels (prefsift, crowd-kit, ratio)")
    sides: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "one-coin": (lambda: one_coin(votes), lambda: OneCoinDawidSkene().fit(table)),
        "Dawid–Skene": (lambda: dawid_skene(votes), lambda: DawidSkene().fit(table)),
        "GLAD": (lambda: glad(votes), lambda: GLAD(n_iter=10).fit(table)),
        "noisy Bradley–Terry": (
            lambda: noisy_bradley_terry(judgments),
            lambda: NoisyBradleyTerry(n_iter=10).fit(compared),
        ),
    }  # fmt: skip
    for name, (ours, theirs) in sides.items():
        taken = [seconds(run) for run in (ours, theirs)]
        print(
            f"  {name:20} {taken[0]:8.2f} {taken[1]:8.2f}   {taken[1] / taken[0]:6.1f}x", flush=True
        )


def seconds(run: Callable[[], Any]) -> float:
    start = time.process_time()
    run()
    return max(time.process_time() - start, 1e-3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    folder = Path(os.environ.get("PREFSIFT_TEST_DATA") or DEFAULT_DATA)
    parser.add_argument("--data", type=Path, default=folder)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--anchors", type=int, default=30)
    parser.add_argument("--speed", type=int, default=20_000, metavar="LABELS")
    sets = ["llmbar", "hh_harmless", "qa_feedback"]
    parser.add_argument("--sets", nargs="+", choices=sets, default=sets)
    parser.add_argument("--cache", type=Path, default=Path(gettempdir()) / "prefsift-benchmarks")
    given = parser.parse_args()
    for name in given.sets:
        if name == "llmbar":
            flips_found(given.data, given.seeds, given.anchors)
        else:
            one_label(name, given.data, given.cache, given.seeds)
    if given.speed:
        speed(given.speed)


if __name__ == "__main__":
    main()
