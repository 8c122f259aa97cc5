"""Confident learning for pairs: labels that a scorer contradicts with more than its usual trust."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats


class Confident(NamedTuple):
    """`wrong` (n,); `errors` the calibrated number of wrong labels; `rate` = errors / n."""

    wrong: NDArray[np.bool_]
    errors: float
    rate: float


def confident_errors(p_a: Floats, a_better: NDArray[np.bool_]) -> Confident:
    """The off-diagonal of the confident joint (Northcutt et al., arXiv 1911.00068), two classes.

    `p_a` (n,) P(a better), cross-fitted; `a_better` (n,) the labels. A label counts as wrong where
    the other side's probability reaches the mean that it has on its own labels and is the larger.
    Same rows as cleanlab's `filter_by="confident_learning"`. Without both labels nothing is wrong.
    """
    if not np.isfinite(p_a).all():
        raise ValueError("probabilities must be finite")
    n = len(p_a)
    if n == 0 or a_better.all() or not a_better.any():
        return Confident(np.zeros(n, bool), 0.0, 0.0)
    probabilities = np.column_stack([1 - p_a, p_a])
    given = a_better.astype(np.int64)
    thresholds = np.array([probabilities[given == k, k].mean() for k in (0, 1)])
    reached = probabilities >= thresholds - 1e-6
    trusted = np.where(reached, probabilities, -1.0)
    predicted = np.where(reached.any(axis=1), trusted.argmax(axis=1), given)
    # A row that reaches no threshold is not counted; one that reaches both, by the larger.
    joint = np.zeros((2, 2))
    np.add.at(joint, (given, predicted), reached.any(axis=1).astype(float))
    count = calibrated_errors(joint, np.bincount(given, minlength=2))
    wrong = (predicted != given) & (probabilities.argmax(axis=1) != given)
    return Confident(wrong, count, count / n)


def calibrated_errors(joint: Floats, labels: NDArray[np.int64]) -> float:
    """The joint scaled to how often each label was given; what is off its diagonal."""
    counted = np.asarray(joint, np.float64).copy()
    empty = counted.sum(axis=1) == 0
    counted[empty, empty] = 1.0
    scaled = counted / counted.sum(axis=1, keepdims=True) * labels[:, None]
    return float(scaled.sum() - np.trace(scaled))
