"""A04: do ratings of two responses say the same as their direct comparison?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats


class Consistency(NamedTuple):
    """`table` (3, 3): rows by ratings, columns by comparison, in the order a, b, equal."""

    table: NDArray[np.int64]
    consistent: float
    consistent_decided: float

    @property
    def rows(self) -> int:
        return int(self.table.sum())


def consistency(rating_a: Floats, rating_b: Floats, said: NDArray[np.int64]) -> Consistency:
    """`said` (n,): 0 a better, 1 b better, 2 equal. Shares are NaN without rows; the second leaves
    out what either protocol calls equal. Peering Through Preferences, arXiv 2308.15812."""
    gap = np.asarray(rating_a, np.float64) - np.asarray(rating_b, np.float64)
    if np.isnan(gap).any():
        raise ValueError("a missing rating is no rating: leave the row out")
    by_rating = np.where(gap > 0, 0, np.where(gap < 0, 1, 2))
    table = np.bincount(by_rating * 3 + said, minlength=9).reshape(3, 3)
    decided = table[:2, :2]
    return Consistency(table, share(table), share(decided))


def share(table: NDArray[np.int64]) -> float:
    total = int(table.sum())
    return float(np.trace(table)) / total if total else float("nan")
