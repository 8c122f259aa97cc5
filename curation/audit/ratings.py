"""Ratings of single responses, turns and dialogues: do raters agree, and on what do they not?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from curation.agreement.alpha import alpha
from curation.agreement.kappa import fleiss
from curation.items import Floats

MOST_CLASSES = 10  # values up to which they are classes, for kappa
PRIOR_RATINGS = 1.0  # that the spread inside other items counts for
LEAST_COMMON = 10  # items beside others, for a correlation


@dataclass(frozen=True)
class Ratings:
    """m ratings. `things`, `raters`, `aspects` (m,) number what was rated, who did, of what;
    `responses` (m,) are the numbers of the questions' a and b, −1 where it is no response. An
    unnamed rater is another one each time: `named` (raters,)."""

    things: NDArray[np.int64]
    raters: NDArray[np.int64]
    aspects: NDArray[np.int64]
    responses: NDArray[np.int64]
    values: Floats
    named: NDArray[np.bool_]
    rater_names: Sequence[str]
    aspect_names: Sequence[str]  # "" is overall

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Rater:
    """`lenience`: by how much its values are above the others' on the same things;
    `correlation` with the others' mean, [low, high] 95 % (Fisher), NaN below 10 things."""

    name: str
    ratings: int
    lenience: float
    correlation: float
    low: float
    high: float


@dataclass(frozen=True)
class AspectRatings:
    """Over things with at least two ratings, NaN where there are none: Krippendorff's alpha for
    interval and ordinal values, Fleiss' kappa where values are few, `fleiss_equal` over things with
    the commonest number of ratings (what Fleiss defined). `unanimous`: share of things
    whose ratings are equal; `apart`: share with two ratings at least 2 apart. `doubts`: (things,)
    expected variance of their mean, in units of the values squared; `order`: their indices, those
    rated differently first, each part by doubt; `things` (things,) their numbers; `low`, `high`
    (things,) their extremes."""

    aspect: str
    ratings: int
    things: NDArray[np.int64]
    counts: NDArray[np.int64]
    low: Floats
    high: Floats
    doubts: Floats
    alpha_interval: float
    alpha_ordinal: float
    fleiss: float
    fleiss_equal: float
    unanimous: float
    apart: float
    raters: list[Rater]

    @property
    def order(self) -> NDArray[np.int64]:
        return np.lexsort((self.things, -self.doubts, self.low == self.high))


def of_aspects(found: Ratings) -> list[AspectRatings]:
    """One for each aspect, in the order of their names."""
    ends = [of_aspect(found, aspect) for aspect in range(len(found.aspect_names))]
    return sorted(ends, key=lambda each: each.aspect)


def of_aspect(found: Ratings, aspect: int) -> AspectRatings:
    rows = first_of_each(found, np.flatnonzero(found.aspects == aspect))
    things, at = np.unique(found.things[rows], return_inverse=True)
    values = found.values[rows]
    grid = slots(at, values, len(things))
    several = np.isfinite(grid).sum(axis=0) >= 2
    low, high = np.nanmin(grid, axis=0), np.nanmax(grid, axis=0)
    classes, codes = np.unique(values, return_inverse=True)
    kappa, kappa_of_equal = kappas(at, codes.astype(np.int64), len(classes))
    return AspectRatings(
        found.aspect_names[aspect], len(rows), things, np.isfinite(grid).sum(axis=0), low, high,
        doubts(grid), alpha(grid, "interval"), alpha(grid, "ordinal"),
        kappa, kappa_of_equal,
        share((low == high)[several]), share((high - low >= 2)[several]),
        raters(found, rows, at, len(things)),
    )  # fmt: skip


def kappas(at: NDArray[np.int64], codes: NDArray[np.int64], n: int) -> tuple[float, float]:
    if not 0 < n <= MOST_CLASSES:
        return float("nan"), float("nan")
    counts = np.bincount(at)[at]
    commonest = np.bincount(counts[counts > 1]).argmax() if (counts > 1).any() else 0
    equal = counts == commonest
    return fleiss(at, codes, n), fleiss(at[equal], codes[equal], n)


def first_of_each(found: Ratings, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of a named rater that rates a thing again the first: agreeing with oneself is no agreement.
    Nobody knows whether two unnamed ones are one."""
    key = np.column_stack([found.things[rows], found.raters[rows]])
    first = np.sort(np.unique(key, axis=0, return_index=True)[1]) if len(rows) else key[:0, 0]
    unnamed = np.flatnonzero(~found.named[found.raters[rows]])
    return rows[np.union1d(first, unnamed).astype(np.int64)]


def slots(at: NDArray[np.int64], values: Floats, n: int) -> Floats:
    """(most ratings, n): the values of each thing one under the other, NaN below. Who gave them
    makes no difference to alpha."""
    order = np.argsort(at, kind="stable")
    counts = np.bincount(at, minlength=n)
    place = np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)
    grid = np.full((int(counts.max(initial=1)), n), np.nan)
    grid[place, at[order]] = values[order]
    return grid


def doubts(grid: Floats) -> Floats:
    """(n,): the variance that the mean of a thing's ratings has, with that inside all things as
    one more rating: s² = (σ² + Σ (x − x̄)²) / (n + 1), divided by n."""
    counts = np.isfinite(grid).sum(axis=0)
    if grid.size == 0:
        return np.zeros(grid.shape[1])
    squares = np.nansum((grid - np.nanmean(grid, axis=0)) ** 2, axis=0)
    free = (counts - 1).clip(0).sum()
    inside = squares.sum() / free if free else 1.0
    return (PRIOR_RATINGS * inside + squares) / (PRIOR_RATINGS + counts) / counts.clip(1)


def raters(found: Ratings, rows: NDArray[np.int64], at: NDArray[np.int64], n: int) -> list[Rater]:
    """Each named one against the mean of the others."""
    values, who = found.values[rows], found.raters[rows]
    totals, counts = np.bincount(at, values, n), np.bincount(at, minlength=n)
    others = np.where(counts[at] > 1, (totals[at] - values) / np.maximum(counts[at] - 1, 1), np.nan)
    ends: list[Rater] = []
    for rater in np.unique(who[found.named[who]]).tolist():
        mine = who == rater
        beside = mine & np.isfinite(others)
        gap = values[beside] - others[beside]
        lenience = float(gap.mean()) if len(gap) else float("nan")
        r, low, high = correlation(values[beside], others[beside])
        name = found.rater_names[int(rater)]
        ends.append(Rater(name, int(mine.sum()), lenience, r, low, high))
    return sorted(ends, key=lambda each: each.name)


def correlation(one: Floats, other: Floats) -> tuple[float, float, float]:
    if len(one) < LEAST_COMMON or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan"), float("nan"), float("nan")
    r = float(np.corrcoef(one, other)[0, 1])
    z, half = np.arctanh(np.clip(r, -0.999999, 0.999999)), norm.ppf(0.975) / np.sqrt(len(one) - 3)
    return r, float(np.tanh(z - half)), float(np.tanh(z + half))


def share(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else float("nan")
