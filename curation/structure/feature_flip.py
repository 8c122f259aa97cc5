"""N08: what turning the labels that a feature drives would do, before anybody decides to."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats
from curation.structure.expressions import FOLDS, RIDGE, standard
from curation.structure.logistic import fit

Action: TypeAlias = Literal["flip", "drop"]

SHARE, LEAST = 0.1, 20  # of the pairs that differ in a feature, those that differ most
MOST = 20_000  # pairs that a head learns from


@dataclass(frozen=True)
class FeatureFlip:
    """`rows`, strongest first: of the `top` pairs that differ most in the feature, those whose
    label takes the unwanted side. `before` and `after`: the share of the top whose label takes it
    (of those that are left). `at_top` and `elsewhere`: accuracy of a head on labels as given that
    it did not see, learnt from them as given and as they would be; NaN where there are none."""

    rows: NDArray[np.int64]
    top: int
    before: float
    after: float
    at_top: tuple[float, float]
    elsewhere: tuple[float, float]


def feature_flip(
    activations: Floats,
    controls: Floats,
    feature: int,
    unwanted: float,
    a_better: NDArray[np.bool_],
    groups: NDArray[np.int64],
    *,
    top: int | None = None,
    action: Action = "flip",
    seed: int = 0,
) -> FeatureFlip:
    """A dry run: no label is changed, and whether any should be is for a person to sign.

    `activations` (n, M) and `controls` (n, c) of a − b; `unwanted` > 0: labels should not prefer
    more of the feature, < 0: less of it. After WIMHF, arXiv 2510.26202.
    """
    z = activations[:, feature]
    strongest = most_active(z, top)
    prefers = np.sign(z) * np.where(a_better, 1.0, -1.0)
    against = prefers[strongest] == np.sign(unwanted)
    rows = strongest[against]
    kept = len(strongest) if action == "flip" else len(strongest) - len(rows)
    design = standard(np.column_stack([controls, activations]))
    towards = np.where(a_better, 1.0, -1.0)
    changed, weight = towards.copy(), np.ones(len(z))
    changed[rows] *= -1 if action == "flip" else 1
    weight[rows] = 1 if action == "flip" else 0
    given = held_out(design, towards, np.ones(len(z)), groups, seed) * towards
    turned = held_out(design, changed, weight, groups, seed) * towards
    at = np.zeros(len(z), bool)
    at[strongest] = True
    return FeatureFlip(
        rows, len(strongest), share(against), 0.0 if kept else float("nan"),
        (accuracy(given[at]), accuracy(turned[at])), (accuracy(given[~at]), accuracy(turned[~at])),
    )  # fmt: skip


def most_active(z: Floats, top: int | None) -> NDArray[np.int64]:
    """Rows of the largest |z|, strongest first; of equal ones the earlier first."""
    active = np.flatnonzero(z)
    wanted = max(round(SHARE * len(active)), LEAST) if top is None else top
    return active[np.argsort(-np.abs(z[active]), kind="stable")[:wanted]]


def held_out(
    design: Floats, towards: Floats, weight: Floats, groups: NDArray[np.int64], seed: int
) -> NDArray[np.float64]:
    """(n,) margin towards a by a head that saw no pair of the row's group; 0 without any."""
    rng = np.random.default_rng(seed)
    names, at = np.unique(groups, return_inverse=True)
    fold = rng.permutation(np.arange(len(names)) % FOLDS)[at]
    margin = np.zeros(len(towards))
    for out in range(FOLDS):
        rows, others = fold == out, np.flatnonzero((fold != out) & (weight > 0))
        if rows.any() and len(others):
            learnt = rng.permutation(others)[:MOST]
            head = fit(design[learnt] * towards[learnt, None], RIDGE)
            margin[rows] = design[rows] @ head.weights
    return margin


def share(hits: NDArray[np.bool_]) -> float:
    return float(hits.mean()) if len(hits) else float("nan")


def accuracy(margin: Floats) -> float:
    """A margin of 0 counts half."""
    return float(((margin > 0) + 0.5 * (margin == 0)).mean()) if len(margin) else float("nan")
