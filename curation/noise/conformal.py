"""N07: labels kept with a guarantee on how many of them are wrong."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats


class Certificate(NamedTuple):
    """`kept` (m,) booleans; of those kept at most a share `alpha` is wrong, in expectation."""

    kept: NDArray[np.bool_]
    p_values: Floats
    alpha: float
    calibration_rows: int


def p_values(
    scores: Floats, calibration: Floats, correct: NDArray[np.bool_], null: bool = False
) -> Floats:
    """(1 + #{calibration rows with correctness `null` and a score >= s_j}) / (n + 1).

    High scores speak for `not null`: with the default, for a right label.
    """
    nulls = np.sort(np.asarray(calibration)[correct == null])
    above = len(nulls) - np.searchsorted(nulls, scores, side="left")
    return (1 + above) / (len(calibration) + 1)


def select(
    scores: Floats, calibration: Floats, correct: NDArray[np.bool_], alpha: float = 0.1
) -> Certificate:
    """Benjamini–Hochberg over conformal p-values: the expected share of wrong labels among those
    kept is at most alpha, where calibration rows and candidates are exchangeable.

    `scores` (m,) any trust in the label, higher = righter; `calibration` (n,) the same score of
    rows whose correctness is known. It must not have been fitted on these rows' verified answers.
    Jin & Candès, arXiv 2210.01408.
    """
    check(scores, calibration, alpha)
    found = p_values(np.asarray(scores, np.float64), np.asarray(calibration, np.float64), correct)
    return Certificate(benjamini_hochberg(found, alpha), found, alpha, len(calibration))


def select_flips(
    scores: Floats, calibration: Floats, correct: NDArray[np.bool_], alpha: float = 0.1
) -> Certificate:
    """The labels that are wrong: among those returned at most a share alpha is right."""
    check(scores, calibration, alpha)
    found = p_values(-np.asarray(scores), -np.asarray(calibration), correct, null=True)
    return Certificate(benjamini_hochberg(found, alpha), found, alpha, len(calibration))


def check(scores: Floats, calibration: Floats, alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError("alpha must be above 0 and below 1")
    if not (np.isfinite(scores).all() and np.isfinite(calibration).all()):
        raise ValueError("scores must be finite")


def benjamini_hochberg(found: Floats, alpha: float) -> NDArray[np.bool_]:
    """All up to the largest p-value that is at most alpha · rank / m."""
    m = len(found)
    ordered = np.sort(found)
    below = np.flatnonzero(ordered <= alpha * np.arange(1, m + 1) / max(m, 1))
    return found <= ordered[below[-1]] if len(below) else np.zeros(m, bool)
