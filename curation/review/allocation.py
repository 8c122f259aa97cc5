"""Who labels what under a budget: at most one label a pair, the most gained in all."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from curation.items import Floats

NOBODY = -1
EXACT = 400  # options up to which the optimum itself is searched for
NODES = 20_000  # of that search
SLACK = 1e-9  # of a budget that sums of costs may round over


class Allocation(NamedTuple):
    """`chosen` (n,) an option of each pair, or NOBODY; `gained` by all of them; `bound` that no
    allocation passes: the optimum of shared labels."""

    chosen: NDArray[np.int64]
    gained: float
    bound: float


def allocate(gain: Floats, costs: Floats, budget: float) -> Allocation:
    """The multiple-choice knapsack. `gain` (n, options), −inf where there is no such option;
    `costs` (n, options) > 0.

    Up to 400 options it is solved (branch and bound, HiGHS). Beyond, options are bought by gain a
    cost, each pair's along its convex hull: short of the best by less than one label's gain,
    which `bound` shows. What gains nothing is not bought; of equals the first pair is.
    """
    if budget < 0:
        raise ValueError("a budget is not negative")
    if not (costs > 0).all():
        raise ValueError("every cost is more than 0")
    open = (gain > 0) & (costs <= budget)
    greedy = by_efficiency(np.where(open, gain, -np.inf), costs, budget)
    if not 0 < open.sum() <= EXACT:
        return greedy
    found = exact(np.where(open, gain, 0.0), costs, open, budget)
    if found is None or worth(found, gain) <= greedy.gained + 1e-12:
        return greedy
    return Allocation(found, worth(found, gain), greedy.bound)


def worth(chosen: NDArray[np.int64], gain: Floats) -> float:
    bought = np.flatnonzero(chosen != NOBODY)
    return float(gain[bought, chosen[bought]].sum())


def by_efficiency(gain: Floats, costs: Floats, budget: float) -> Allocation:
    """Steps from each option of a pair's hull to the next, the steepest first."""
    chosen = np.full(len(gain), NOBODY)
    spent, left, bound, cut = np.zeros(len(gain)), budget, 0.0, False
    stuck: set[int] = set()
    for _, row, option, step_gain, step_cost in sorted(steps(gain, costs)):
        if not cut:
            share = min(1.0, max(left, 0.0) / step_cost)
            bound += share * step_gain
            cut = share < 1
        if row in stuck:
            continue
        if step_cost <= left + SLACK * budget:
            chosen[row], left = option, left - step_cost
            spent[row] += step_cost
        else:
            stuck.add(row)
    gained = worth(chosen, gain)
    if gain.size and gain.max() > gained:  # one label may be worth more than many
        chosen[:] = NOBODY
        row, option = np.unravel_index(int(gain.argmax()), gain.shape)
        chosen[row], gained = option, float(gain[row, option])
    return Allocation(chosen, gained, max(bound, gained))


def steps(gain: Floats, costs: Floats) -> list[tuple[float, int, int, float, float]]:
    """(−gain a cost, row, option, gain, cost) from one option of a pair's hull to the next."""
    found: list[tuple[float, int, int, float, float]] = []
    for row in np.flatnonzero(np.isfinite(gain).any(axis=1)).tolist():
        at_gain, at_cost = 0.0, 0.0
        options = [each for each in range(gain.shape[1]) if np.isfinite(gain[row, each])]
        while options:
            slopes = [
                (
                    -(gain[row, each] - at_gain) / (costs[row, each] - at_cost),
                    costs[row, each],
                    each,
                )
                for each in options
            ]
            slope, cost, option = min(slopes)
            found.append((slope, row, option, gain[row, option] - at_gain, cost - at_cost))
            at_gain, at_cost = gain[row, option], cost
            options = [e for e in options if costs[row, e] > at_cost and gain[row, e] > at_gain]
    return found


def exact(
    gain: Floats, costs: Floats, open: NDArray[np.bool_], budget: float
) -> NDArray[np.int64] | None:
    rows, options = np.nonzero(open)
    one = np.ones(len(rows))
    each_once = csr_array((one, (rows, np.arange(len(rows)))), shape=(len(gain), len(rows)))
    prices = csr_array(costs[rows, options][None, :])
    found = milp(
        -gain[rows, options],
        integrality=one,
        bounds=Bounds(0, 1),
        constraints=[LinearConstraint(each_once, ub=1), LinearConstraint(prices, ub=budget)],
        options={"node_limit": NODES, "mip_rel_gap": 0.0},
    )
    if found.x is None:
        return None
    bought = np.flatnonzero(found.x > 0.5)
    if costs[rows[bought], options[bought]].sum() > budget * (1 + SLACK):
        return None  # within the solver's tolerance, not within the budget
    chosen = np.full(len(gain), NOBODY)
    chosen[rows[bought]] = options[bought]
    return chosen
