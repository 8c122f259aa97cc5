"""Pairs that no other pair beats in every aspect, front by front."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.items import Indices
from curation.selectors.admission import Admission, Admitting, best_first, id_ranks
from curation.selectors.ground import ground
from curation.selectors.selector import Pool, Selection


class Pareto(Admitting):
    """Non-dominated fronts of several terms; within a front the least crowded first (NSGA-II).

    A pair dominates another where it is no worse in every term and better in one. Importance:
    minus the number of the front (0 is the first) plus half of crowding / (1 + crowding). No term
    is weighed against another, and only their order counts for the fronts. O(n log F · front).
    """

    version: ClassVar[int] = 1

    kind: Literal["pareto"] = "pareto"
    high: tuple[str, ...] = Field(default=("margin", "quality"), description="terms wanted high")
    low: tuple[str, ...] = Field(default=(), description="terms wanted low")

    def terms(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self.high, *self.low]))

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        admission = Admission(pool, k, self.max_per_prompt, self.distinct)
        points = ground(admission, self.terms(), vectors=False)
        signs = [1.0 if name in self.high else -1.0 for name in points.terms.columns]
        values = points.worth * np.array(signs)
        front = fronts(values)
        space = np.zeros(len(points))
        for number in range(int(front.max(initial=-1)) + 1):
            members = front == number
            space[members] = crowding(values[members])
        share = np.where(np.isinf(space), 1.0, space / (1 + np.where(np.isinf(space), 0, space)))
        importance = points.spread(share / 2 - front, len(pool))
        admission.fill(best_first(importance, id_ranks(pool)))
        objective = float(importance[np.array(admission.order, np.int64)].sum())
        return admission.selection(importance, objective, points.degraded)


def fronts(values: NDArray[np.float64]) -> Indices:
    """(n,) the front of each point, 0 = dominated by none; higher values are better.

    Efficient non-dominated sorting (Zhang et al., 2015): points in lexicographic order can only be
    dominated by earlier ones, and the first front that does not dominate one is found by bisection.
    """
    n, d = values.shape
    found = np.zeros(n, np.int64)
    if d == 0:
        return found
    members: list[Members] = []
    for row in np.lexsort(-values.T[::-1]).tolist():
        low, high = 0, len(members)
        while low < high:
            middle = (low + high) // 2
            if members[middle].dominate(values[row]):
                low = middle + 1
            else:
                high = middle
        if low == len(members):
            members.append(Members(d))
        members[low].add(values[row])
        found[row] = low
    return found


class Members:
    """The points of a front, in a buffer that grows by doubling."""

    def __init__(self, d: int) -> None:
        self.values = np.empty((4, d))
        self.count = 0

    def add(self, point: NDArray[np.float64]) -> None:
        if self.count == len(self.values):
            self.values = np.vstack([self.values, np.empty_like(self.values)])
        self.values[self.count] = point
        self.count += 1

    def dominate(self, point: NDArray[np.float64]) -> bool:
        """Whether one of them is no worse in every term and better in one."""
        values = self.values[: self.count]
        return bool(((values >= point).all(axis=1) & (values > point).any(axis=1)).any())


def crowding(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m,) NSGA-II's crowding distance in one front: infinite at the ends of each term."""
    found = np.zeros(len(values))
    for column in values.T:
        order = np.argsort(-column, kind="stable")
        spread = float(np.ptp(column)) if len(column) else 0.0
        if spread <= 0:
            continue
        found[order[[0, -1]]] = np.inf
        found[order[1:-1]] += (column[order[:-2]] - column[order[2:]]) / spread
    return found
