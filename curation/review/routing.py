"""L06: which pairs go to human annotators and which to models, under a budget."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats

RIDGE = 1.0
HELD_OUT = 0.2  # of the mixes, to say how far the gains can be believed
Mix: TypeAlias = NDArray[np.bool_]  # (n,): the rows that take their human label


class Gains(NamedTuple):
    """`coefficients` (f,): what one more human label on a pair with the feature adds to the
    performance; `r2` on mixes that the regression did not see, NaN with fewer than ten mixes."""

    coefficients: Floats
    intercept: float
    r2: float


def thirds(values: Floats) -> NDArray[np.bool_]:
    """(n, 3): lowest, middle and top third by percentile; equal values share a bin."""
    low, high = np.percentile(values, [100 / 3, 200 / 3]) if len(values) else (0.0, 0.0)
    return np.column_stack([values <= low, (values > low) & (values <= high), values > high])


def random_mixes(features: NDArray[np.bool_], count: int, seed: int) -> list[Mix]:
    """Each has a budget drawn from 1..n, and random values of the features that say which rows it
    buys: mixes then differ in their features and not only in their size."""
    rng = np.random.default_rng(seed)
    n, f = features.shape
    mixes: list[Mix] = []
    for _ in range(count if n else 0):
        worth = features @ rng.normal(size=f) + rng.normal(scale=1e-3, size=n)
        mix = np.zeros(n, bool)
        mix[np.argsort(-worth, kind="stable")[: rng.integers(1, n + 1)]] = True
        mixes.append(mix)
    return mixes


def learn_gains(
    features: NDArray[np.bool_], mixes: Sequence[Mix], performance: Callable[[Mix], float]
) -> Gains:
    """Ridge regression of what a mix achieves on how often each feature is labelled by humans.

    `features` (n, f); `performance` trains and scores a proxy on one mix. Miranda et al.,
    Hybrid Preferences, arXiv 2410.19133.
    """
    counts = np.array([features[mix].sum(axis=0) for mix in mixes], np.float64)
    achieved = np.array([performance(mix) for mix in mixes], np.float64)
    held = int(len(mixes) * HELD_OUT) if len(mixes) >= 10 else 0
    seen = slice(held, None)
    r2 = float("nan")
    if held:
        weights, intercept = ridge(counts[seen], achieved[seen])
        missed = achieved[:held] - counts[:held] @ weights - intercept
        spread = ((achieved[:held] - achieved[:held].mean()) ** 2).sum()
        r2 = 1 - float((missed**2).sum() / spread) if spread > 0 else float("nan")
    weights, intercept = ridge(counts, achieved)
    return Gains(weights, intercept, r2)


def ridge(counts: Floats, achieved: Floats) -> tuple[Floats, float]:
    """Weights per count, shrunk on the scale of a standard deviation of each."""
    centre, scale = counts.mean(axis=0), counts.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    design = (counts - centre) / scale
    mean = float(achieved.mean())
    gram = design.T @ design + RIDGE * np.eye(design.shape[1])
    weights = np.linalg.solve(gram, design.T @ (achieved - mean)) / scale
    return weights, mean - float(centre @ weights)


def gains(features: NDArray[np.bool_], coefficients: Floats) -> Floats:
    """(n,): Σ_f coefficient_f · 1[f ∈ i]; rounded, so that equal sums are equal."""
    return np.round(features @ coefficients, 12)


def ranked(gain: Floats, ids: Sequence[str] | NDArray[np.str_]) -> NDArray[np.int64]:
    """Rows, those that gain most by a human first; of equals the lower id."""
    return np.lexsort((np.asarray(ids), -gain))


def route(
    gain: Floats, ids: Sequence[str], budget: float, costs: Floats | None = None
) -> NDArray[np.int64]:
    """Rows for humans, best first; the others go to model annotators.

    Labels that gain nothing are not bought. `costs` (n,) > 0, one each without: then this is the
    best there is. With different costs it is greedy by gain a cost, or the single best row where
    that gains more: at least half of the optimum.
    """
    if budget < 0:
        raise ValueError("a budget is not negative")
    price = np.ones(len(gain)) if costs is None else np.asarray(costs, np.float64)
    if not (price > 0).all():
        raise ValueError("every cost is more than 0")
    useful = (gain > 0) & (price <= budget)
    taken: list[int] = []
    left = budget
    for row in ranked(gain / price, ids).tolist():
        if useful[row] and price[row] <= left:
            taken.append(row)
            left -= price[row]
    chosen = np.array(taken, np.int64)
    if useful.any():
        single = next(row for row in ranked(gain, ids).tolist() if useful[row])
        if gain[single] > gain[chosen].sum():
            chosen = np.array([single], np.int64)
    return chosen[ranked(gain[chosen], np.asarray(ids, np.str_)[chosen])]
