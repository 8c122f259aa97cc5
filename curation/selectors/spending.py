"""Selects for a limit in tokens, where how many pairs fit is known only from which they are."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.items import Indices
from curation.selectors.admission import OVER_BUDGET
from curation.selectors.selector import Selection

ROUNDS = 8  # selections at most
CLOSE = 0.9  # share of the selected pairs that fit: with fewer, seats were shared out for others


class Spent(NamedTuple):
    """A selection that keeps to the limit, and what its pairs cost together."""

    selection: Selection
    used: int


def spend(select: Callable[[int], Selection], costs: Sequence[int] | Indices, limit: int) -> Spent:
    """`select(k)` with the k whose pairs just fit; of them, in their order, those that do.

    A pair that no longer fits is passed over, and a cheaper one behind it may fit. What is left of
    the limit is less than a pair of mean cost, unless the selector has no more to give. Selectors
    that share out k (seats, quotas) see a k near what is kept. Costs are whole, not negative.
    """
    prices = np.asarray(costs, np.int64)
    fitting = prices[prices <= limit]
    mean = float(fitting.mean()) if len(fitting) else 1.0
    k = min(len(prices), max(1, int(limit / max(mean, 1e-9))))
    best = Spent(select(0), 0)
    tried: set[int] = set()
    while len(prices) and k not in tried and len(tried) < ROUNDS:
        tried.add(k)
        found = select(k)
        kept, used = affordable(found.order, prices, limit)
        left = limit - used
        if left < mean or used >= best.used:
            best = Spent(cut(found, kept), used)
        if left >= mean and len(found.order) == k:
            k = min(len(prices), k + int(left / max(mean, 1e-9)))
        elif left < mean and len(kept) < CLOSE * len(found.order):
            k = max(len(kept), 1)
    return best


def affordable(order: Indices, prices: NDArray[np.int64], limit: int) -> tuple[Indices, int]:
    kept: list[int] = []
    left = limit
    for row in order.tolist():
        if prices[row] <= left:
            kept.append(row)
            left -= int(prices[row])
    return np.array(kept, np.int64), limit - left


def cut(found: Selection, kept: Indices) -> Selection:
    """The selection with these pairs only; the others of it are over the budget."""
    reasons = list(found.reasons)
    for row in np.setdiff1d(found.order, kept).tolist():
        reasons[row] = OVER_BUDGET
    return replace(found, order=kept, reasons=reasons)
