"""D06: how many labels are wrong, by estimators that fail in different ways, with intervals."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from curation.items import Floats

LEVEL = 0.95
RESAMPLES = 1000


class Rate(NamedTuple):
    """A share of wrong labels in 0..1 with a 95 % interval; `rate` None: it can't be said, `why`.

    `rows`: on how many labels it stands.
    """

    name: str
    rate: float | None
    low: float | None
    high: float | None
    rows: int
    why: str | None = None


def refused(name: str, rows: int, why: str) -> Rate:
    return Rate(name, None, None, None, rows, why)


def flip_rate_of(agreement: Floats | float) -> Floats:
    """ε = (1 − √(2a − 1)) / 2 from the agreement a of two independent labels; .5 for a <= .5."""
    return (1 - np.sqrt(np.clip(2 * np.asarray(agreement, np.float64) - 1, 0, 1))) / 2


def from_repeats(agreeing: int, compared: int, least: int = 20) -> Rate:
    """Pairs of labels of the same question. An upper bound: honest disagreement counts as noise."""
    name = "repeated labels"
    if compared < least:
        return refused(name, compared, f"only {compared} questions were asked twice")
    low, high = exact_interval(agreeing, compared)
    rate = flip_rate_of(agreeing / compared)
    return Rate(name, float(rate), float(flip_rate_of(high)), float(flip_rate_of(low)), compared)


def from_gold(wrong: int, checked: int, least: int = 20) -> Rate:
    """Labels against verified answers: unbiased, if those were drawn at random."""
    name = "verified answers"
    if checked < least:
        return refused(name, checked, f"only {checked} labels have a verified answer")
    return Rate(name, wrong / checked, *exact_interval(wrong, checked), checked)


def from_posteriors(p_correct: Floats, why: str | None, seed: int = 0) -> Rate:
    """1 − mean P(right) of EM; refused with EM's own reason."""
    name = "expectation maximisation"
    if why or len(p_correct) == 0:
        return refused(name, len(p_correct), why or "there are no labels")
    return resampled(name, lambda rows: float(1 - p_correct[rows].mean()), len(p_correct), seed)


def from_confident_learning(
    count: Callable[[NDArray[np.int64]], float], rows: int, oof_accuracy: float, seed: int = 0
) -> Rate:
    """The calibrated number of errors of rows, over their number; refused for a weak scorer."""
    name = "confident learning"
    if np.isnan(oof_accuracy):
        return refused(name, rows, "no scorer judged the texts")
    if not oof_accuracy >= 0.65:
        return refused(name, rows, f"the scorer is right on {oof_accuracy:.0%} of unseen labels")
    if rows == 0:
        return refused(name, rows, "there are no labels")
    return resampled(name, lambda taken: count(taken) / len(taken), rows, seed)


def resampled(name: str, rate: Callable[[NDArray[np.int64]], float], rows: int, seed: int) -> Rate:
    """Percentile interval over resampled labels; of one label nothing but itself."""
    from scipy.stats import bootstrap  # half a second to load: not for listing signals

    if rows == 1:
        only = rate(np.arange(1))
        return Rate(name, only, only, only, 1)
    found = bootstrap(
        (np.arange(rows),), rate, vectorized=False, n_resamples=RESAMPLES, method="percentile",
        confidence_level=LEVEL, rng=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    return Rate(name, rate(np.arange(rows)), float(found.low), float(found.high), rows)


def exact_interval(hits: int, trials: int) -> tuple[float, float]:
    """Clopper–Pearson."""
    tail = (1 - LEVEL) / 2
    low = 0.0 if hits == 0 else float(betaincinv(hits, trials - hits + 1, tail))
    high = 1.0 if hits == trials else float(betaincinv(hits + 1, trials - hits, 1 - tail))
    return low, high
