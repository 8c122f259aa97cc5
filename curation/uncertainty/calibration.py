"""D05: do probabilities say how often they are right?"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit

from curation.items import Floats

Labels: TypeAlias = NDArray[np.bool_] | NDArray[np.integer] | Floats  # 0 or 1

BINS = 10
HOTTEST = 100.0


class Bin(NamedTuple):
    """Of the probabilities in [low, high): how many, their mean, and how often they were right."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


def reliability(
    p: Floats, correct: Labels, bins: int = BINS, low: float = 0.5, high: float = 1.0
) -> list[Bin]:
    """Equal bins over low..high, the last one closed; empty bins are left out.

    `p` (n,) P(right), `correct` (n,) 0/1. The default range is that of a pair's likelier side.
    """
    p, correct = np.asarray(p, np.float64), np.asarray(correct, np.float64)
    edges = np.round(np.linspace(low, high, bins + 1), 12)  # .6, not .6000000000000001
    at = np.clip(np.searchsorted(edges, p, side="right") - 1, 0, bins - 1)
    counts = np.bincount(at, minlength=bins)
    confidence, accuracy = np.bincount(at, p, bins), np.bincount(at, correct, bins)
    return [
        Bin(float(edges[b]), float(edges[b + 1]), int(counts[b]),
            float(confidence[b] / counts[b]), float(accuracy[b] / counts[b]))
        for b in np.flatnonzero(counts).tolist()
    ]  # fmt: skip


def calibration_error(table: list[Bin]) -> float:
    """Expected calibration error, 0 (calibrated) .. 1: Σ rows/n · |accuracy − confidence|."""
    total = sum(each.rows for each in table)
    gaps = sum(each.rows * abs(each.accuracy - each.confidence) for each in table)
    return gaps / total if total else 0.0


def likelier_side(p_a: Floats, a_better: Labels) -> tuple[Floats, Floats]:
    """(P(the likelier side), whether that one is better): what `reliability` takes of pairs."""
    p_a, truth = np.asarray(p_a, np.float64), np.asarray(a_better, bool)
    return np.maximum(p_a, 1 - p_a), ((p_a >= 0.5) == truth).astype(np.float64)


def temperature(margins: Floats, correct: Labels) -> float:
    """T that makes σ(margin / T) likeliest on held-out pairs; 100 at most (margins say nothing)."""
    margins, sign = np.asarray(margins, np.float64), np.where(np.asarray(correct, bool), 1.0, -1.0)

    def loss(log_t: float) -> float:
        return float(np.logaddexp(0, -sign * margins / np.exp(log_t)).mean())

    if len(margins) == 0 or not margins.any():
        return 1.0
    found = minimize_scalar(loss, bounds=(np.log(1e-3), np.log(HOTTEST)), method="bounded")
    return float(np.exp(found.x))


def probabilities(margins: Floats, temperature: float) -> Floats:
    return expit(np.asarray(margins, np.float64) / temperature)
