"""Cohen's kappa of two annotators, and Fleiss' of any number."""

from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats


def cohen(one: NDArray[np.int64], other: NDArray[np.int64], n_classes: int) -> float:
    """(n,) classes of the same items by two annotators; 1 agree, 0 chance; NaN where both always
    say one and the same thing, or said nothing."""
    table = np.bincount(one * n_classes + other, minlength=n_classes**2).astype(np.float64)
    table = table.reshape(n_classes, n_classes)
    n = table.sum()
    if n == 0:
        return float("nan")
    expected = float((table.sum(axis=0) * table.sum(axis=1)).sum() / n**2)
    return (
        (float(np.trace(table)) / n - expected) / (1 - expected) if expected < 1 else float("nan")
    )


def fleiss(items: NDArray[np.int64], said: NDArray[np.int64], n_classes: int) -> float:
    """Over items with at least two judgments, any number each: pairs of judgments that agree
    against pairs drawn from all judgments. With equal numbers this is Fleiss (1971)."""
    names, at = np.unique(items, return_inverse=True)
    counts = np.bincount(at * n_classes + said, minlength=len(names) * n_classes)
    counts = counts.reshape(-1, n_classes).astype(np.float64)
    counts = counts[counts.sum(axis=1) >= 2]
    if len(counts) == 0:
        return float("nan")
    n = counts.sum(axis=1)
    agreed = float((((counts**2).sum(axis=1) - n) / (n * (n - 1))).mean())
    expected = float(((counts.sum(axis=0) / counts.sum()) ** 2).sum())
    return (agreed - expected) / (1 - expected) if expected < 1 else float("nan")


class Between(NamedTuple):
    """Of two annotators: items both judged, the share they agree on, Cohen's kappa."""

    one: int
    other: int
    items: int
    agreement: float
    kappa: float


def between(
    items: NDArray[np.int64],
    annotators: NDArray[np.int64],
    said: NDArray[np.int64],
    n_classes: int,
    least: int = 5,
) -> list[Between]:
    """Every two annotators with at least `least` common items; of repeated judgments the first."""
    kept = np.unique(np.column_stack([annotators, items]), axis=0, return_index=True)[1]
    items, annotators, said = items[kept], annotators[kept], said[kept]
    by = {
        int(who): (items[annotators == who], said[annotators == who])
        for who in np.unique(annotators).tolist()
    }
    found: list[Between] = []
    for one, other in combinations(sorted(by), 2):
        common, left, right = np.intersect1d(by[one][0], by[other][0], return_indices=True)
        if len(common) >= least:
            x, y = by[one][1][left], by[other][1][right]
            share = float((x == y).mean())
            found.append(Between(one, other, len(common), share, cohen(x, y, n_classes)))
    return found


def matrix(items: NDArray[np.int64], annotators: NDArray[np.int64], values: Floats) -> Floats:
    """(annotators, items) of values, NaN where one said nothing; what alpha takes. The mean of
    repeated values."""
    names, row = np.unique(annotators, return_inverse=True)
    things, column = np.unique(items, return_inverse=True)
    cell = row * len(things) + column
    sums = np.bincount(cell, values, len(names) * len(things))
    counts = np.bincount(cell, minlength=len(names) * len(things))
    grid = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return grid.reshape(len(names), len(things))
