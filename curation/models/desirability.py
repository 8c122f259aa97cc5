"""W03: how likely a prompt's answers are desirable, by its vector alone (BCO, 2404.04656)."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from curation.items import Floats

FOLDS = 5
LOW, HIGH = 0.5, 10.0


class Unary(NamedTuple):
    """Distinct answers by prompt: `vectors` (n, d) of the prompts, how many of each kind (n,)."""

    vectors: Floats
    desirable: Floats
    undesirable: Floats


class Shift(NamedTuple):
    """How well the prompt alone tells the label, .5 = not at all: out of fold, without and with
    the weights."""

    before: float
    after: float


def weight(p: Floats) -> NDArray[np.float64]:
    """P/(1 − P) of undesirable rows within .5 .. 10; desirable ones count 1."""
    p = np.clip(np.asarray(p, np.float64), 1e-9, 1 - 1e-9)
    return np.clip(p / (1 - p), LOW, HIGH)


def balance(desirable: float, undesirable: float, most: float = 1.5) -> tuple[float, float]:
    """KTO's λ_D for λ_U = 1: (least, most) with λ_D n_D / n_U in 1 .. `most` (arXiv 2402.01306)."""
    if desirable <= 0 or undesirable <= 0:
        raise ValueError("a balance takes both kinds")
    return undesirable / desirable, most * undesirable / desirable


def fit(unary: Unary, rows: NDArray[np.int64], fit_n: int, seed: int) -> tuple[Floats, float]:
    """(weights (d,), bias) of a logistic classifier on as many rows of each kind, `fit_n` at most.

    `rows` of the prompts that it may see, which have answers of both kinds.
    """
    rng = np.random.default_rng(seed)
    sides = [unary.desirable[rows], unary.undesirable[rows]]
    each = int(min(fit_n, *(side.sum() for side in sides)))
    drawn = [rng.choice(np.repeat(rows, side.astype(int)), each, replace=False) for side in sides]
    labels = np.repeat([1, 0], each)
    learnt: Any = LogisticRegression(max_iter=1000)
    learnt.fit(np.asarray(unary.vectors, np.float64)[np.concatenate(drawn)], labels)
    return learnt.coef_[0], float(learnt.intercept_[0])


def probability(vectors: Floats, weights: Floats, bias: float) -> NDArray[np.float64]:
    return expit(np.asarray(vectors, np.float64) @ weights + bias)


def shift(unary: Unary, folds: NDArray[np.int64], fit_n: int, seed: int) -> Shift | None:
    """Each prompt is judged by classifiers that did not see it: one tells the weights, another,
    fitted with them, what still tells the label. None where a fold lacks a kind."""
    judged: list[tuple[Floats, Floats, Floats, Floats]] = []
    for fold in range(FOLDS):
        seen, rows = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if not len(rows) or not (unary.desirable[seen].sum() and unary.undesirable[seen].sum()):
            return None
        vectors = np.asarray(unary.vectors, np.float64)
        weights, bias = fit(unary, seen, fit_n, seed)
        before = probability(vectors[rows], weights, bias)
        given = weight(probability(vectors[seen], weights, bias))
        after = reweighted(unary, seen, given).predict_proba(vectors[rows])[:, 1]
        judged.append((rows.astype(float), before, after, weight(before)))
    rows, before, after, given = (np.concatenate(parts) for parts in zip(*judged, strict=True))
    order = rows.astype(np.int64)
    labels = np.repeat([1, 0], len(order))
    counts = np.concatenate([unary.desirable[order], unary.undesirable[order]])
    scaled = np.concatenate([unary.desirable[order], unary.undesirable[order] * given])
    if not (unary.desirable.sum() and unary.undesirable.sum()):
        return None
    return Shift(
        float(roc_auc_score(labels, np.tile(before, 2), sample_weight=counts)),
        float(roc_auc_score(labels, np.tile(after, 2), sample_weight=scaled)),
    )


def reweighted(unary: Unary, seen: NDArray[np.int64], given: Floats) -> Any:
    vectors = np.asarray(unary.vectors, np.float64)[seen]
    labels = np.repeat([1, 0], len(seen))
    counts = np.concatenate([unary.desirable[seen], unary.undesirable[seen] * given])
    classifier = LogisticRegression(max_iter=1000, class_weight="balanced")
    return classifier.fit(np.vstack([vectors, vectors]), labels, sample_weight=counts)
