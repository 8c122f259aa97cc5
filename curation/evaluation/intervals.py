"""Confidence intervals for figures of overlapping training sets."""

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy.stats import t as student


class Interval(BaseModel):
    """The mean over the splits and its 95 % interval; no bounds where there is one split."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: float
    low: float | None
    high: float | None


def corrected(values: Sequence[float], test_to_train: float, level: float = 0.95) -> Interval:
    """mean ± t(J−1) √((1/J + n_test/n_train) s²), the corrected resampled t-test.

    The J training sets overlap, so that the values depend on each other; with the usual 1/J alone
    the interval is far too narrow (Nadeau & Bengio, Machine Learning 52, 2003).
    """
    figures = np.asarray(values, np.float64)
    n, mean = len(figures), float(figures.mean())
    if n < 2:
        return Interval(mean=mean, low=None, high=None)
    half = student.ppf((1 + level) / 2, n - 1)
    half *= float(np.sqrt((1 / n + test_to_train) * figures.var(ddof=1)))
    return Interval(mean=mean, low=mean - float(half), high=mean + float(half))


def corrected_ratio(
    totals: Sequence[float], counts: Sequence[int], test_to_train: float, level: float = 0.95
) -> Interval:
    """The same for Σ totals / Σ counts, where the splits' test sets differ in size.

    The spread is that of (total − mean · count) / mean count, the linearised ratio; with equal
    counts the interval is that of `corrected`.
    """
    sums, sizes = np.asarray(totals, np.float64), np.asarray(counts, np.float64)
    mean = float(sums.sum() / sizes.sum())
    around = corrected(list((sums - mean * sizes) / sizes.mean()), test_to_train, level)
    if around.low is None or around.high is None:
        return Interval(mean=mean, low=None, high=None)
    return Interval(mean=mean, low=mean + around.low, high=mean + around.high)
