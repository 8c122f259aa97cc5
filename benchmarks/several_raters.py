"""Whose vote is wrong? Sets with several raters a thing; 20 % of their votes are turned on purpose.

A thing is an image that got thumbs (tia2), two images of one prompt that were rated (tifa), or a
dialogue that was rated (ab_redial: above or below the middle). The AUROC is over the decided votes
on things with two and more; at most 1,000 things, drawn by the seed.
"""

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from cleanlab.multiannotator import get_label_quality_multiannotator
from crowdkit.aggregation import GLAD, DawidSkene, OneCoinDawidSkene
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.preprocessing import OneHotEncoder

from benchmarks.outcome import Outcome
from curation.consensus.dawid_skene import dawid_skene
from curation.consensus.glad import glad
from curation.consensus.majority import majority
from curation.consensus.one_coin import one_coin
from curation.consensus.votes import TIE, A, B, Votes
from curation.items import Floats

RATE = 0.2
MOST = 1000
METRICS = ("clipscore_vitb32", "tifa_mplug-large", "tifa_blip2-flant5xl", "meteor", "rouge")


@dataclass(frozen=True)
class Rated:
    """`votes` of the raters; `features` (things, d) that a classifier may learn from, or `texts`;
    `metrics` (things, models) an automatic score of a less that of b, none where there are none."""

    what: str
    votes: Votes
    features: Any
    learnt_from: str
    metrics: NDArray[np.float64]


def read(path: Path) -> Any:
    with gzip.open(path) as file:
        return json.load(file)


def votes_of(said: Sequence[Sequence[int]]) -> Votes:
    table = [(item, who, vote) for item, row in enumerate(said) for who, vote in enumerate(row)
             if vote >= 0]  # fmt: skip
    items, who, votes = np.array(table, np.int64).T
    return Votes(items, who, votes, len(said), int(who.max()) + 1)


def thumbs(path: Path) -> Rated:
    rows = list(read(path).values())
    said = [[-1 if thumb < 0 else (A if thumb else B) for thumb in row["human_labels"]]
            for row in rows]  # fmt: skip
    captions = OneHotEncoder().fit_transform([[row["caption"]] for row in rows])
    none = np.zeros((len(rows), 0))
    return Rated("thumbs of images", votes_of(said), captions, "captions", none)


def likert(path: Path) -> Rated:
    of: dict[str, list[Any]] = defaultdict(list)
    for row in read(path).values():
        of[row["text_id"]].append(row)
    pairs = [pair for rows in of.values() for pair in combinations(rows, 2)]
    said = [[compared(x - y) for x, y in zip(a["human_scores"], b["human_scores"], strict=True)]
            for a, b in pairs]  # fmt: skip
    metrics = np.array([[a[name] - b[name] for name in METRICS] for a, b in pairs], np.float64)
    metrics /= metrics.std(axis=0)
    return Rated("images rated 1-5, two and two", votes_of(said), metrics, "metrics", metrics)


def dialogues(path: Path) -> Rated:
    rows = pd.read_csv(path).dropna(subset=["dialogue-overall"])
    said: dict[str, list[int]] = defaultdict(list)
    texts: dict[str, str] = {}
    turns = [name for name in map(str, rows) if name.startswith("utterance")]
    for _, row in rows.iterrows():
        said[row["ConvId"]].append(compared(row["dialogue-overall"] - 3))
        texts[row["ConvId"]] = " ".join(str(row[turn]) for turn in turns)
    words = TfidfVectorizer(min_df=2, sublinear_tf=True).fit_transform(texts.values())
    none = np.zeros((len(said), 0))
    return Rated("dialogues rated 1-5", votes_of(list(said.values())), words, "words", none)


def compared(gap: float) -> int:
    return A if gap > 0 else (B if gap < 0 else TIE)


FILES: Mapping[str, tuple[str, Callable[[Path], Rated]]] = {
    "tia2": ("tia2/human_labels_comprehensive.json.gz", thumbs),
    "tia2_counting": ("tia2/human_labels_counting.json.gz", thumbs),
    "tifa": ("tifa/human_annotations_with_scores.json.gz", likert),
    "ab_redial": ("ab_redial/annotated_dialogues.csv.gz", dialogues),
}  # fmt: skip


def cell(name: str, data: Path, seed: int) -> Outcome:
    file, load = FILES[name]
    rated = load(data / file)
    rng = np.random.default_rng(seed)
    votes, kept = drawn(rated.votes, rng)
    wrong = (rng.random(len(votes)) < RATE) & (votes.said != TIE)
    said = np.where(wrong, 1 - votes.said, votes.said)
    noisy = Votes(votes.items, votes.annotators, said, votes.n_items, votes.n_annotators)
    features, metrics = rated.features[kept], rated.metrics[kept]
    trusts = consensus(noisy)
    table = frame(noisy)
    models: dict[str, Any] = {"one-coin": OneCoinDawidSkene, "Dawid–Skene": DawidSkene}
    outcome = Outcome(f"{rated.what}: {len(kept):,} things, {len(votes):,} votes")
    for model, crowd in {**models, "GLAD": GLAD}.items():
        p_a = crowd().fit_predict_proba(table).reindex(range(noisy.n_items))[A].fillna(0.5)
        trusts[f"crowd-kit {model}"] = of_vote(noisy, p_a.to_numpy())
    quality = cleanlab(noisy, features, seed)
    trusts[f"cleanlab, multiannotator, on {rated.learnt_from}"] = quality
    for at, metric in enumerate(METRICS[: metrics.shape[1]]):
        trusts[f"single reward model: {metric}"] = of_vote(noisy, expit(metrics[:, at]))
    if metrics.shape[1]:
        beside = with_metrics(noisy, metrics)
        trusts["prefsift GLAD, metrics as annotators"] = of_vote(noisy, glad(beside)[0].p_a)
    elif name == "ab_redial":
        p_a = learnt(noisy, features, seed)
        trusts["single reward model: words of the dialogue"] = of_vote(noisy, p_a)
    else:
        outcome.cannot["single reward model"] = "the file has no score and no picture of an image"
    several = np.bincount(noisy.items, minlength=noisy.n_items)[noisy.items] > 1
    rows = several & (noisy.said != TIE)
    for arm, trust in trusts.items():
        outcome.auroc[arm] = float(roc_auc_score(wrong[rows], -trust[rows]))
    return outcome


def drawn(votes: Votes, rng: np.random.Generator) -> tuple[Votes, NDArray[np.int64]]:
    """At most MOST things, numbered anew, and which they were."""
    kept = np.sort(rng.permutation(votes.n_items)[:MOST])
    number = np.full(votes.n_items, -1)
    number[kept] = np.arange(len(kept))
    rows = number[votes.items] >= 0
    items = number[votes.items[rows]]
    who, said = votes.annotators[rows], votes.said[rows]
    return Votes(items, who, said, len(kept), votes.n_annotators), kept


def of_vote(votes: Votes, p_a: Floats) -> NDArray[np.float64]:
    """P(the vote is right)."""
    p = p_a[votes.items]
    return np.where(votes.said == A, p, 1 - p)


def consensus(votes: Votes) -> dict[str, NDArray[np.float64]]:
    found = {
        "mean vote": majority(votes).p_a,
        "prefsift one-coin": one_coin(votes).p_a,
        "prefsift Dawid–Skene": dawid_skene(votes)[0].p_a,
        "prefsift GLAD": glad(votes)[0].p_a,
    }
    return {name: of_vote(votes, p_a) for name, p_a in found.items()}


def with_metrics(votes: Votes, metrics: NDArray[np.float64]) -> Votes:
    """Automatic scores are annotators, too: each prefers the response that it scores higher."""
    things, models = metrics.shape
    items, who = np.repeat(np.arange(things), models), np.tile(np.arange(models), things)
    said = np.where(metrics > 0, A, np.where(metrics < 0, B, TIE)).ravel()
    return Votes(
        np.concatenate([votes.items, items]),
        np.concatenate([votes.annotators, who + votes.n_annotators]),
        np.concatenate([votes.said, said]), votes.n_items, votes.n_annotators + models,
    )  # fmt: skip


def frame(votes: Votes) -> pd.DataFrame:
    decided = votes.said != TIE
    columns = {"task": votes.items, "worker": votes.annotators, "label": votes.said}
    return pd.DataFrame({name: column[decided] for name, column in columns.items()})


def learnt(votes: Votes, features: Any, seed: int) -> NDArray[np.float64]:
    """(things,) P(A) by scikit-learn, cross-validated; of the majority's labels."""
    label = (majority(votes).p_a >= 0.5).astype(np.int64)
    folds = KFold(5, shuffle=True, random_state=seed)
    model = LogisticRegression(max_iter=1000)
    p = cross_val_predict(model, features, label, cv=folds, method="predict_proba")
    return np.asarray(p, np.float64)[:, 1]


def cleanlab(votes: Votes, features: Any, seed: int) -> NDArray[np.float64]:
    """CROWDLAB's quality of each vote, by a classifier's predicted probabilities and all votes."""
    p_a = learnt(votes, features, seed)
    grid = np.full((votes.n_items, votes.n_annotators), np.nan)
    decided = votes.said != TIE
    grid[votes.items[decided], votes.annotators[decided]] = votes.said[decided]
    judged = np.isfinite(grid).any(axis=1)
    found = get_label_quality_multiannotator(
        grid[judged], np.column_stack([p_a, 1 - p_a])[judged], verbose=False
    )
    quality = np.full(grid.shape, 0.5)
    quality[judged] = np.asarray(found["detailed_label_quality"], np.float64)
    return np.nan_to_num(quality[votes.items, votes.annotators], nan=0.5)
