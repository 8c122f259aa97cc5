"""S14: does a judge say the same when the two responses change places?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.consensus.votes import TIE, A
from curation.items import Floats


class Orders(NamedTuple):
    """Of one judge. `items` (m,) judged in both orders; `consistent` (m,); `verdicts` (m,) A, B,
    TIE: what both said, else TIE. `consistency` 0..1, `first_rate` the share of decided judgments
    that take what was shown first (.5: no pull), NaN where there are none."""

    items: NDArray[np.int64]
    consistent: NDArray[np.bool_]
    verdicts: NDArray[np.int64]
    consistency: float
    first_rate: float


def both_orders(
    items: NDArray[np.int64], said: NDArray[np.int64], a_first: NDArray[np.int64]
) -> Orders:
    """`said` (n,) A, B or TIE of the responses (not of their places); `a_first` (n,) 1: a was shown
    first, 0: b was, −1: unknown. Of several judgments in one order the first counts."""
    decided = (said != TIE) & (a_first >= 0)
    took_first = (said == A) == (a_first == 1)
    first_rate = float(took_first[decided].mean()) if decided.any() else float("nan")
    of_a = first_of_each(items, a_first == 1)
    of_b = first_of_each(items, a_first == 0)
    shared, left, right = np.intersect1d(items[of_a], items[of_b], return_indices=True)
    one, other = said[of_a][left], said[of_b][right]
    consistent = one == other
    verdicts = np.where(consistent, one, TIE)
    rate = float(consistent.mean()) if len(shared) else float("nan")
    return Orders(shared, consistent, verdicts, rate, first_rate)


def first_of_each(items: NDArray[np.int64], rows: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Positions of the first judgment of each item among `rows`."""
    at = np.flatnonzero(rows)
    return at[np.unique(items[at], return_index=True)[1]]


def robustness(before: NDArray[np.int64], after: NDArray[np.int64]) -> float:
    """The share of verdicts that a probe (a bandwagon, a false authority, padding) left alone."""
    return float((before == after).mean()) if len(before) else float("nan")


def graded(verdicts: Floats) -> Floats:
    """Five-way verdicts −2..2 (B≫A .. A≫B) as (n, 2) points for a and b: 3 for ≫, 1, tie .5
    (arena-hard-auto)."""
    points = np.array([[0, 3], [0, 1], [0.5, 0.5], [1, 0], [3, 0]], np.float64)
    return points[np.asarray(verdicts, np.int64) + 2]
