"""The best pairs in which the longer answer, or any other feature, wins about half of the time."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.items import Floats, Indices
from curation.selectors.admission import Admission, Admitting, best_first, compatible, id_ranks
from curation.selectors.ground import ground
from curation.selectors.selector import Pool, Selection
from curation.selectors.strata import allotted, banded_by

BALANCE = "bias_budget"


class BiasBudget(Admitting):
    """Largest sum of `term` with a win rate of `bias` within 50 % ± `tolerance`, exactly.

    A pair with bias > 0 is a win of the feature (of length, where bias is the log ratio of lengths
    chosen / rejected), one with 0 is half a win. `bands` > 1 keeps the rate in every band of
    |bias|, too. A rate that no k pairs have makes the subset smaller (reason "bias_budget"); a
    pair more or less is rounding. Of duplicates and above the cap of a prompt the best pairs stay.
    """

    version: ClassVar[int] = 1

    kind: Literal["bias_budget"] = "bias_budget"
    bias: str = Field(default="novelty", min_length=1)
    term: str = "margin"
    tolerance: float = Field(default=0.05, ge=0, le=0.5)
    bands: int = Field(default=1, ge=1, le=20, description="of equal size, by |bias|")

    def terms(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([self.term, self.bias]))

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        admission = Admission(pool, k, self.max_per_prompt, self.distinct)
        points = ground(admission, self.terms(), vectors=False)
        zeros = np.zeros(len(pool))
        worth, bias = (points.terms.columns.get(name, zeros) for name in (self.term, self.bias))
        importance = points.spread(worth[points.rows], len(pool))
        order = compatible(admission, best_first(importance, id_ranks(pool)))
        bands = np.array(banded_by(np.abs(bias[order]), self.bands), np.str_)
        names = sorted(set(bands.tolist()))
        sizes = np.array([(bands == name).sum() for name in names], np.int64)
        kept: list[NDArray[np.int64]] = []
        for name, seats in zip(names, allotted(sizes, admission.k, sizes).tolist(), strict=True):
            rows = order[bands == name]
            kept.append(rows[balanced(worth[rows], bias[rows], seats, self.tolerance)])
        chosen = np.concatenate(kept) if kept else order[:0]
        admission.fill(order[np.isin(order, chosen)])
        if not admission.full:
            admission.refuse(np.setdiff1d(order, chosen), BALANCE)
        return admission.selection(importance, float(worth[chosen].sum()), points.degraded)


def balanced(worth: Floats, bias: Floats, k: int, tolerance: float) -> Indices:
    """Positions of at most k, with |wins + ties / 2 − k / 2| at most k · tolerance, or ½, and the
    largest sum. `worth` falls.

    For each number of ties the sum is concave in the number of wins: so the unconstrained best
    number is moved to the nearest that is allowed.
    """
    wins, losses, ties = (np.flatnonzero(part) for part in (bias > 0, bias < 0, bias == 0))
    sums = [np.concatenate([[0.0], np.cumsum(worth[part])]) for part in (wins, losses, ties)]
    fewer = 2 * min(len(wins), len(losses)) + len(ties)
    possible = fewer / (1 - 2 * tolerance) + 1 if tolerance < 0.5 else np.inf
    for size in range(int(min(k, len(worth), possible)), 0, -1):
        slack = max(size * tolerance, 0.5) + 1e-9
        least, most = size / 2 - slack, size / 2 + slack
        best: tuple[float, int, int] | None = None
        for even in range(min(size, len(ties)) + 1):
            low = max(int(np.ceil(least - even / 2)), size - even - len(losses), 0)
            high = min(int(np.floor(most - even / 2)), len(wins), size - even)
            if low > high:
                continue
            number = most_worth(sums[0], sums[1], low, high, size - even)
            total = sums[0][number] + sums[1][size - even - number] + sums[2][even]
            if best is None or total > best[0]:
                best = (float(total), number, even)
        if best is not None:
            _, number, even = best
            return np.concatenate([wins[:number], losses[: size - even - number], ties[:even]])
    return wins[:0]


def most_worth(wins: Floats, losses: Floats, low: int, high: int, size: int) -> int:
    """The number of wins in low..high with the largest sum; of equal sums the lowest."""
    while low < high:
        middle = (low + high) // 2
        gain = wins[middle + 1] - wins[middle]
        lost = losses[size - middle] - losses[size - middle - 1]
        if gain > lost:
            low = middle + 1
        else:
            high = middle
    return low
