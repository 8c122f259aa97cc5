"""Greedy selection: again and again the pair with the largest gain."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from curation.selectors.admission import Admission
from curation.selectors.ground import Ground

QUANTUM = 2.0**-20  # gains that differ by less are equal: float32 products depend on the place


class Hill(Protocol):
    """What is climbed."""

    @property
    def gains(self) -> NDArray[np.float64]:
        """(m,): of every point, given those taken so far."""
        ...

    def take(self, point: int) -> None:
        """Update the gains."""
        ...


class Climbed(NamedTuple):
    """(m,) `gains`: of the kept when they were taken, of the others at the end; their `total` over
    the kept. `kept` and `refused` (m,): what a rule forbade when its turn came."""

    gains: NDArray[np.float64]
    total: float
    kept: NDArray[np.bool_]
    refused: NDArray[np.bool_]


def climb(admission: Admission, points: Ground, hill: Hill, quantum: float = QUANTUM) -> Climbed:
    """Takes the largest gain until the budget is full; of equals the lowest id."""
    kept: dict[int, float] = {}
    refused = np.zeros(len(points), np.bool_)
    closed = np.zeros(len(points), np.bool_)
    rows: list[int] = points.rows.tolist()
    for _ in rows:
        if admission.full:
            break
        steps = np.rint(hill.gains / quantum)
        steps[closed] = -np.inf
        best = int(steps.argmax())
        closed[best] = True
        if admission.offer(rows[best]):
            kept[best] = float(hill.gains[best])
            hill.take(best)
        else:
            refused[best] = True
    gains = hill.gains.copy()
    gains[list(kept)] = list(kept.values())
    return Climbed(gains, float(sum(kept.values())), closed & ~refused, refused)


def submodular_bound(climbed: Climbed, final: NDArray[np.float64]) -> float:
    """No set of as many points has a larger sum where gains only shrink as the set grows: what is
    reached plus the largest gains `final` that are left (Minoux, 1978), or total / (1 − 1/e).

    The second holds only where no rule refused a point, and gains are not negative.
    """
    left = np.sort(final[~climbed.kept])[::-1][: int(climbed.kept.sum())]
    bound = climbed.total + float(np.maximum(left, 0).sum())
    if climbed.refused.any():
        return bound
    return min(bound, climbed.total / (1 - np.exp(-1)))
