"""Reads a sketch: what each threshold, or each two of them, would keep."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats
from curation.thresholds.sketch import Sketch

Side: TypeAlias = Literal["high", "low"]  # kept are values >= the threshold, or <= it


class Kept(NamedTuple):
    """(thresholds of each field …, q) quantities, and bounds of the rows: exact where equal."""

    quantities: NDArray[np.float64]
    least: NDArray[np.float64]
    most: NDArray[np.float64]


def kept(sketch: Sketch, thresholds: Sequence[Floats], sides: Sequence[Side]) -> Kept:
    """Of all combinations of a threshold a field."""
    shares = [
        shares_kept(sketch, field, np.asarray(asked, np.float64), side)
        for field, (asked, side) in enumerate(zip(thresholds, sides, strict=True))
    ]
    rows = sketch.sums[..., :1]
    least = weighted([np.floor(share) for share in shares], rows)[..., 0]
    most = weighted([np.ceil(share) for share in shares], rows)[..., 0]
    return Kept(weighted(shares, sketch.sums), least, most)


def shares_kept(
    sketch: Sketch, field: int, thresholds: NDArray[np.float64], side: Side
) -> NDArray[np.float64]:
    """(thresholds, bins) of each bin's rows: 0, 1, or between where the threshold lies inside."""
    _, lows, highs = sketch.ends[field]
    if side == "low":
        lows, highs, thresholds = -highs, -lows, -thresholds
    at = thresholds[:, None]
    rows = np.maximum(sketch.rows(field), 1)
    inside = (lows < at) & (at <= highs)
    with np.errstate(all="ignore"):  # ends may be equal, or infinite
        even = np.nan_to_num((highs - at) / (highs - lows), nan=0.5)
    # Its largest value is kept, its smallest is not.
    partial = np.clip(even, 1 / rows, np.maximum(1 - 1 / rows, 1 / rows))
    return np.where(inside, partial, (lows >= at).astype(np.float64))


def weighted(
    shares: Sequence[NDArray[np.float64]], sums: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sums over the bins, each with its share: (bins …, q) -> (thresholds …, q)."""
    found = sums
    for axis, share in enumerate(shares):
        found = np.moveaxis(np.tensordot(share, found, axes=(1, axis)), 0, axis)
    return found


def steps(sketch: Sketch, field: int, shares: Floats, side: Side) -> NDArray[np.float64]:
    """Thresholds that keep about these shares of the rows with a value; each is exact. Those that
    keep most come first, and no two are equal."""
    _, lows, highs = sketch.ends[field]
    rows = sketch.rows(field)
    there = rows > 0
    if not there.any():
        return np.zeros(0)
    ends = lows[there] if side == "high" else highs[there][::-1]
    counts = rows[there] if side == "high" else rows[there][::-1]
    left = counts[::-1].cumsum()[::-1] / counts.sum()  # the share that each end keeps
    nearest = np.abs(left[None, :] - np.asarray(shares)[:, None]).argmin(axis=1)
    return ends[np.unique(nearest)]
