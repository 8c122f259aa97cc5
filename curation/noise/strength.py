"""S09/N02: how strongly an ensemble of reward models prefers the chosen response."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from curation.items import Floats

BANDS = 5
MIN_MODELS = 2


class Strength(NamedTuple):
    """(n,) each: mean and standard deviation of the margins, share of models > 0, and the band,
    0 (weakest, often negative) .. 4."""

    mean: Floats
    std: Floats
    vote: Floats
    band: NDArray[np.int64]


def strengths(chosen: Floats, rejected: Floats, bands: int = BANDS) -> Strength:
    """`chosen`, `rejected` (n, M): rewards by M models. NaN where a model has none: left out.

    A model's margins are taken as they are: standardise models of different scales first
    (`scaled`). Secrets of RLHF II, arXiv 2401.06080.
    """
    margins = np.asarray(chosen, np.float64) - np.asarray(rejected, np.float64)
    known = np.isfinite(margins)
    count = known.sum(axis=1)
    filled = np.where(known, margins, 0.0)
    mean = filled.sum(axis=1) / np.maximum(count, 1)
    spread = np.where(known, margins - mean[:, None], 0.0)
    std = np.sqrt((spread**2).sum(axis=1) / np.maximum(count, 1))
    won = ((filled > 0) + 0.5 * (filled == 0)) * known
    vote = np.where(count > 0, won.sum(axis=1) / np.maximum(count, 1), 0.5)
    return Strength(mean, std, vote, quantile_bands(mean, bands))


def scaled(margins: Floats) -> Floats:
    """(n, M) with each model's margins of mean square 1; nothing is subtracted across a pair."""
    size = np.sqrt(mean_of_known(np.asarray(margins, np.float64).T ** 2, 0.0))
    return margins / np.where(size > 0, size, 1.0)


def quantile_bands(values: Floats, bands: int) -> NDArray[np.int64]:
    """Equal counts, lowest first; equal values share the lowest band that any of them is in."""
    if len(values) == 0:
        return np.zeros(0, np.int64)
    ordered = np.sort(values)
    rank = np.searchsorted(ordered, values, side="left")
    return (rank * bands // len(values)).astype(np.int64)


def soft_labels(margins: Floats) -> tuple[Floats, Floats]:
    """σ of the mean margin, and the mean of σ(margin): (n,) each, P(label right); .5 where there
    is no margin."""
    return expit(mean_of_known(margins, 0.0)), mean_of_known(expit(margins), 0.5)


def mean_of_known(values: Floats, nothing: float) -> Floats:
    """(rows,) means without NaN; `nothing` for a row of NaN."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    return np.where(
        count > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(count, 1), nothing
    )
