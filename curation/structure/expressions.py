"""Which features of responses the labels express, at equal length: intervals and a null."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri

from curation.items import Floats
from curation.structure.logistic import fit

RIDGE = 1.0
DRAWS = 1999
LEVEL = 0.95
LEAST_ACTIVE = 20  # pairs in which a feature differs, below which it is not tested
FOLDS = 5
BLOCK = 64


@dataclass(frozen=True)
class Expression:
    """`coefficient`: log-odds of being preferred per root mean square of the feature, controls
    held, [low, high] 95 %. `change`: win rate of the response with more of it minus that of the
    one with less, where it is active. `p_value`: that any feature looks so strong where labels
    express none (family-wise); `q_value`: of this one, by Benjamini–Hochberg."""

    feature: int
    coefficient: float
    low: float
    high: float
    change: float
    active: int
    p_value: float
    q_value: float


def expressions(
    activations: Floats,
    controls: Floats,
    a_better: NDArray[np.bool_],
    groups: NDArray[np.int64],
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> list[Expression]:
    """Strongest evidence first. `activations` (n, M) and `controls` (n, c) of a − b; `groups` (n,):
    pairs of one prompt, whose labels depend on each other.

    One logistic regression a feature, beside the controls and without intercept: exchanging a and b
    changes nothing. Covariances are clustered by group. The null turns the scores of whole groups
    by coins (wild score bootstrap), so controls keep their pull in it.
    """
    z, c = standard(activations), standard(controls)
    sign = np.where(a_better, 1.0, -1.0)
    active = (z != 0).sum(axis=0)
    tested = np.flatnonzero(active >= LEAST_ACTIVE)
    if len(tested) == 0:
        return []
    family, own = wild(group_scores(z[:, tested], c, sign, groups), draws, seed)
    q = benjamini_hochberg(own)
    half = float(ndtri((1 + LEVEL) / 2))
    found: list[Expression] = []
    for at, feature in enumerate(tested.tolist()):
        beta, spread = clustered(np.column_stack([z[:, feature], c]), sign, groups)
        found.append(
            Expression(
                feature, beta, beta - half * spread, beta + half * spread,
                win_rate_change(beta, 0.0, z[:, feature]), int(active[feature]),
                float(family[at]), float(q[at]),
            )
        )  # fmt: skip
    return sorted(found, key=lambda each: (each.p_value, -abs(each.coefficient), each.feature))


def win_rate_change(coefficient: float, offset: float, z: Floats) -> float:
    """Mean σ(offset + βz) of a response that has more of the feature, minus that of one that has
    less, over the pairs where it differs; 0 where none does."""
    size = np.abs(z[z != 0])
    if len(size) == 0:
        return 0.0
    more, less = expit(offset + coefficient * size), expit(offset - coefficient * size)
    return float((more - less).mean())


def standard(columns: Floats) -> Floats:
    """Divided by the root mean square; a column of zeros stays one."""
    size = np.sqrt((columns**2).mean(axis=0))
    return columns / np.where(size > 0, size, 1.0)


def clustered(columns: Floats, sign: Floats, groups: NDArray[np.int64]) -> tuple[float, float]:
    """Coefficient of the first column and its standard error, clustered by group."""
    towards = columns * sign[:, None]
    head = fit(towards, RIDGE)
    scores = summed(towards * expit(-(towards @ head.weights))[:, None], groups)
    middle = scores.T @ scores * (len(scores) / max(len(scores) - 1, 1))
    return float(head.weights[0]), float(
        np.sqrt((head.covariance @ middle @ head.covariance)[0, 0])
    )


def summed(rows: Floats, groups: NDArray[np.int64]) -> Floats:
    """(groups, columns)."""
    _, at = np.unique(groups, return_inverse=True)
    return np.column_stack([np.bincount(at, column).astype(np.float64) for column in rows.T])


def group_scores(z: Floats, c: Floats, sign: Floats, groups: NDArray[np.int64]) -> Floats:
    """(groups, M): of each feature where controls alone explain the labels, freed of them."""
    weights = fit(c * sign[:, None], RIDGE).weights
    p = expit(c @ weights)
    residual = (sign > 0) - p
    w = (p * (1 - p))[:, None]
    inner = c.T @ (w * c) + 1e-9 * np.eye(c.shape[1])
    freed = z - c @ np.linalg.solve(inner, c.T @ (w * z))
    return summed(freed * residual[:, None], groups)


def wild(scores: Floats, draws: int, seed: int) -> tuple[Floats, Floats]:
    """p-values (M,): of the strongest of all features, and of each by itself."""
    spread = np.sqrt((scores**2).sum(axis=0))
    scores = scores / np.where(spread > 0, spread, 1.0)
    seen = np.abs(scores.sum(axis=0)) - 1e-9
    rng = np.random.default_rng(seed)
    family, own = np.ones(len(seen)), np.ones(len(seen))
    for start in range(0, draws, BLOCK):
        size = (min(BLOCK, draws - start), len(scores))
        drawn = np.abs((rng.integers(0, 2, size, np.int8) * 2.0 - 1) @ scores)
        family += (drawn.max(axis=1)[:, None] >= seen).sum(axis=0)
        own += (drawn >= seen).sum(axis=0)
    return family / (draws + 1), own / (draws + 1)


def benjamini_hochberg(p: Floats) -> Floats:
    order = np.argsort(p, kind="stable")
    stepped = p[order] * len(p) / np.arange(1, len(p) + 1)
    found = np.empty(len(p))
    found[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return found


def held_out_auc(
    columns: Floats, a_better: NDArray[np.bool_], groups: NDArray[np.int64], seed: int = 0
) -> float:
    """AUC of a ridge head on labels it did not see, folds by group, over both orders of a pair."""
    from scipy.stats import rankdata  # takes half a second to load: not for listing signals

    sign = np.where(a_better, 1.0, -1.0)
    names, at = np.unique(groups, return_inverse=True)
    fold = np.random.default_rng(seed).permutation(np.arange(len(names)) % FOLDS)[at]
    margin = np.zeros(len(sign))
    x = standard(columns)
    for out in range(FOLDS):
        rows = fold == out
        if rows.any() and not rows.all():
            weights = fit(x[~rows] * sign[~rows, None], RIDGE).weights
            margin[rows] = (x[rows] @ weights) * sign[rows]
    n = len(margin)
    ranks = rankdata(np.concatenate([margin, -margin]))
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * n))
