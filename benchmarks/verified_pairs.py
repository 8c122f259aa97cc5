"""LLMBar: 65 judge set-ups that share biases, and a verified answer for each pair.

20 % of the verified labels are turned; AUROC of finding them among pairs that are no anchors.
"""

import gzip
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from cleanlab.multiannotator import get_label_quality_multiannotator
from crowdkit.aggregation import GLAD, DawidSkene, MajorityVote, OneCoinDawidSkene
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmarks.outcome import Outcome
from curation.consensus.anchored import anchored
from curation.consensus.dawid_skene import dawid_skene
from curation.consensus.glad import glad
from curation.consensus.majority import majority
from curation.consensus.one_coin import one_coin
from curation.consensus.votes import NONE, Anchors, Votes

RATE = 0.2
Arm = Callable[[Votes, Anchors], NDArray[Any]]


@cache
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
    return 0.5 + signed @ logit((right + 1) / (len(anchors.items) + 2))


def best_judge(votes: Votes, anchors: Anchors) -> NDArray[Any]:
    """The single judge that is best on the anchors."""
    signed = np.asarray(votes.signed.toarray())
    signs = np.where(anchors.a_better, 1.0, -1.0)
    return 0.5 + signed[:, int((signed[anchors.items].T @ signs).argmax())] / 2


def cleanlab(votes: Votes, anchors: Anchors) -> NDArray[Any]:
    """CROWDLAB over scikit-learn's classifier of the votes, fitted on the anchors."""
    signed = np.asarray(votes.signed.toarray())
    model = LogisticRegression(max_iter=1000).fit(signed[anchors.items], anchors.a_better)
    p_a = model.predict_proba(signed)[:, 1]
    grid = np.where(signed == 0, np.nan, (signed < 0).astype(float))
    found = get_label_quality_multiannotator(
        grid, np.column_stack([p_a, 1 - p_a]), verbose=False, return_detailed_quality=False
    )["label_quality"]
    label = found["consensus_label"].to_numpy()
    trust = found["consensus_quality_score"].to_numpy()
    return np.where(label == 0, trust, 1 - trust)


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
    "single reward model: best judge by anchors": best_judge,
    "log-odds weights of anchors": log_odds,
    "cleanlab, multiannotator, on anchors": cleanlab,
    "crowd-kit majority": crowd_kit(MajorityVote),
    "crowd-kit one-coin": crowd_kit(OneCoinDawidSkene),
    "crowd-kit Dawid–Skene": crowd_kit(DawidSkene),
    "crowd-kit GLAD": crowd_kit(GLAD),
    "prefsift one-coin": lambda votes, _: one_coin(votes).p_a,
    "prefsift Dawid–Skene": lambda votes, _: dawid_skene(votes)[0].p_a,
    "prefsift GLAD": lambda votes, _: glad(votes)[0].p_a,
    "prefsift, as audited: anchored": lambda votes, anchors: anchored(votes, anchors).p_a,
}


ANCHORED = {
    "single reward model: best judge by anchors", "log-odds weights of anchors",
    "cleanlab, multiannotator, on anchors", "prefsift, as audited: anchored",
}  # fmt: skip


@cache
def unanchored(data: Path) -> dict[str, NDArray[Any]]:
    """P(a better) by the arms that no seed changes."""
    votes, _, _ = llmbar(data)
    return {name: arm(votes, NONE) for name, arm in ARMS.items() if name not in ANCHORED}


def cell(data: Path, seed: int, count: int) -> Outcome:
    votes, gold, _ = llmbar(data)
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(len(gold), count, replace=False))
    hidden = np.setdiff1d(np.arange(len(gold)), chosen)
    wrong = rng.random(len(gold)) < RATE
    label = np.where(gold ^ wrong, 1.0, -1.0)
    found = Outcome(f"{len(gold)} pairs, {votes.n_annotators} judges, {count} anchors")
    known = Anchors(chosen, gold[chosen])
    p_a = unanchored(data) | {name: ARMS[name](votes, known) for name in ANCHORED}
    for name in ARMS:
        doubt = -label * (p_a[name] - 0.5)
        found.auroc[name] = float(roc_auc_score(wrong[hidden], doubt[hidden]))
    return found
