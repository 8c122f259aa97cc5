"""N01: which labels are wrong, if a scorer's word is taken; and when that can't be known."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from curation.items import Floats

STARTS = (0.6, 0.75, 0.9, 0.99)
TOLERANCE = 1e-4
ITERATIONS = 300
SPREAD = 0.05  # of the noise rates that the starts lead to, above which none is given
WEAKEST_SCORER = 0.65  # out-of-fold accuracy
NEWTON_STEPS = 50
FLAT = 1e-3  # ridge of the slope: it has a limit where margins separate the labels
EDGE = 1e-9  # η stays off 0 and 1, where it could never move again


class Denoised(NamedTuple):
    """`p_correct` (n,): P(label right), of the median start; `reliability` (k,): η by annotator.

    `noise_rate` is None where it is not identified; `why` says so. `rates` are those of all starts.
    """

    p_correct: Floats
    reliability: Floats
    noise_rate: float | None
    rates: tuple[float, ...]
    iterations: int
    why: str | None


def expectation(p: Floats, eta: Floats | float) -> Floats:
    """w = pη / (pη + (1 − p)(1 − η)): P(label right), given the scorer's p and a reliability η."""
    right, wrong = p * eta, (1 - p) * (1 - np.asarray(eta))
    total = right + wrong
    return np.where(total > 0, right / np.where(total > 0, total, 1.0), 0.5)


def moving_average(eta: float, w: Floats, rate: float = 0.1) -> float:
    """η ← (1 − α) η + α mean(w): the paper's update from batches."""
    return (1 - rate) * eta + rate * float(w.mean())


def denoise(
    p: Floats,
    annotators: NDArray[np.int64] | None = None,
    *,
    oof_accuracy: float,
    refit: Callable[[Floats], Floats] | None = None,
    starts: Sequence[float] = STARTS,
) -> Denoised:
    """EM over reliabilities from several starts (LCPO/RE-PO, arXiv 2509.24159).

    `p` (n,) is P(label right) by a scorer that did not see the label (cross-fitted); one that did
    finds hardly any noise. `refit(w)` gives p again from a scorer fitted with weights w, also
    cross-fitted. No rate is given where the starts end more than .05 apart, where the scorer is
    right on less than 65 % of labels that it did not see, or without any pair.
    """
    if not np.isfinite(p).all():
        raise ValueError("probabilities must be finite")
    p = np.clip(np.asarray(p, np.float64), 0, 1)
    who = np.zeros(len(p), np.int64) if annotators is None else annotators
    count = int(who.max(initial=0)) + 1
    if len(p) == 0:
        nothing = np.full(count, np.nan)
        return Denoised(np.zeros(0), nothing, None, (), 0, "there are no labels")
    ends = [settled(p, who, count, start, refit) for start in starts]
    rates = tuple(1 - float(w.mean()) for w, _, _ in ends)
    middle = int(np.argsort(rates, kind="stable")[(len(rates) - 1) // 2])
    w, eta, iterations = ends[middle]
    why = refusal(rates, oof_accuracy)
    return Denoised(w, eta, None if why else float(np.median(rates)), rates, iterations, why)


def sharpened(margin: Floats) -> Callable[[Floats], Floats]:
    """The M-step of a scorer whose margins stay as they are: w -> σ(s · margin), s >= 0 the slope
    that the labels, each right with probability w, make likeliest. A slope that was fitted to the
    labels as they are has their noise in it, and EM finds hardly any more."""
    m = np.asarray(margin, np.float64)
    if not np.isfinite(m).all():
        raise ValueError("margins must be finite")

    def refit(w: Floats) -> Floats:
        slope = 1.0
        for _ in range(NEWTON_STEPS):
            p = expit(slope * m)
            curve = float((m**2 * p * (1 - p)).sum()) + FLAT
            step = (float((m * (w - p)).sum()) - FLAT * slope) / curve
            slope = min(max(slope + step, 0.0), slope * 2 + 1)
            if abs(step) < TOLERANCE:
                break
        return expit(slope * m)

    return refit


def settled(
    p: Floats,
    who: NDArray[np.int64],
    count: int,
    start: float,
    refit: Callable[[Floats], Floats] | None,
) -> tuple[Floats, Floats, int]:
    """w, η and the steps until no η moves by 1e-4."""
    eta = np.full(count, start)
    said = np.bincount(who, minlength=count)
    steps = 0
    while True:
        w = expectation(p, eta[who])
        steps += 1
        mean = np.bincount(who, w, count) / np.maximum(said, 1)
        found = np.clip(np.where(said > 0, mean, start), EDGE, 1 - EDGE)
        moved = float(np.abs(found - eta).max())
        eta = found
        if moved < TOLERANCE or steps >= ITERATIONS:
            return expectation(p, eta[who]), np.where(said > 0, eta, np.nan), steps
        if refit is not None:
            p = np.clip(refit(w), 0, 1)


def refusal(rates: Sequence[float], oof_accuracy: float) -> str | None:
    if not oof_accuracy >= WEAKEST_SCORER:
        return (
            f"the scorer is right on {oof_accuracy:.0%} of labels it did not see; "
            f"below {WEAKEST_SCORER:.0%} the rate only repeats what was assumed"
        )
    if max(rates) - min(rates) > SPREAD:
        found = ", ".join(f"{rate:.2f}" for rate in rates)
        return f"different starts lead to different rates ({found})"
    return None
