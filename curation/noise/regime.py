"""What kind of labels a dataset has: can they be predicted, and how many look wrong."""

from typing import NamedTuple

import numpy as np
from scipy.special import logit, ndtr

from curation.items import Floats
from curation.noise.em import WEAKEST_SCORER, denoise, sharpened

EDGE = 1e-6
CLEAN = 0.05  # an estimated share of wrong labels up to which labels pass for clean
ONE_SIDED = 1.645  # standard errors
UNKNOWN = 0.05  # gated where the noise is not identified
LEAST = 100  # labels below which nothing is estimated
MISFIT = 0.04  # up to which, beyond chance, sizes of margins are those of two bells
APART = 1.25  # μ/σ of two bells, from which the margins' shape tells the noise; one bell has 0


class Regime(NamedTuple):
    """`accuracy`: labels that the scorer foretold unseen. `noise`: share of wrong labels, None
    where it is not identified, `why` says so. `gate`: share of the labels to leave out.
    `learnable`: foretold better than by chance, at the 5 % level."""

    accuracy: float
    noise: float | None
    gate: float
    learnable: bool
    why: str | None


def regime(p_correct: Floats) -> Regime:
    """From cross-fitted P(label right): the shape of the margins where it tells, else D06 (iii).

    Where margins stand in two bells that are `believed`, their shape says how many labels are on
    the wrong side, also of wrong labels that follow a pattern, for which EM finds next to none:
    those can be foretold like right ones. Else EM from several starts, with its refusals. The gate
    is the estimated noise, 0 where labels look clean, and a twentieth where the noise is not
    identified: on the tuning splits of benchmarks.proof that gains on flipped labels and costs
    little on clean ones, while a harder gate removes hard pairs instead of wrong ones.
    """
    known = np.asarray(p_correct, np.float64)
    known = np.clip(known[np.isfinite(known)], EDGE, 1 - EDGE)
    if len(known) < LEAST:
        return Regime(float("nan"), None, 0.0, False, f"{len(known)} labels are too few to say")
    accuracy = float(((known > 0.5) + 0.5 * (known == 0.5)).mean())
    learnable = bool(accuracy - 0.5 > ONE_SIDED * 0.5 / np.sqrt(len(known)))
    margin = np.asarray(logit(known), np.float64)
    if apart(margin) >= APART and believed(margin, accuracy):
        noise, why = wrong_side(margin), None
    else:
        found = denoise(known, oof_accuracy=accuracy, refit=sharpened(margin))
        noise, why = found.noise_rate, found.why
    if noise is None:
        return Regime(accuracy, None, UNKNOWN, learnable, why)
    return Regime(accuracy, noise, noise if noise > CLEAN else 0.0, learnable, None)


def apart(margin: Floats) -> float:
    """μ/σ >= 0 of the mixture of N(μ, σ²) and N(−μ, σ²) with the second and fourth moments of the
    margins. The labels' signs don't enter; 0 where the kurtosis is 3 or more (one bell)."""
    second, fourth = float((margin**2).mean()), float((margin**4).mean())
    if second == 0:
        return 0.0
    square = float(np.sqrt(max((3 * second**2 - fourth) / 2, 0.0)))
    return float(np.sqrt(square / max(second - square, EDGE * second)))


def believed(margin: Floats, accuracy: float) -> bool:
    """Whether a share of wrong labels above CLEAN is: by a scorer that EM would hear, and where the
    margins' sizes are those of two bells, not flat or with a heap of undecided pairs."""
    if wrong_side(margin) <= CLEAN:
        return True
    return accuracy >= WEAKEST_SCORER and misfit(margin) <= MISFIT + 1.36 / np.sqrt(len(margin))


def misfit(margin: Floats) -> float:
    """Largest distance of the distribution of |margin| from that of the two bells (Kolmogorov)."""
    ratio = apart(margin)
    sizes = np.sort(np.abs(margin)) / np.sqrt((margin**2).mean() / (1 + ratio**2))
    told = ndtr(sizes - ratio) - ndtr(-sizes - ratio)
    steps = np.arange(len(sizes) + 1) / len(sizes)
    return float(max((steps[1:] - told).max(), (told - steps[:-1]).max()))


def wrong_side(margin: Floats) -> float:
    """Share e of wrong labels, 0..½: a scorer that is right on Φ(μ/σ) of the truth agrees with the
    share a = Φ (1 − e) + (1 − Φ) e of the labels."""
    right = float(ndtr(apart(margin)))
    agreed = float(((margin > 0) + 0.5 * (margin == 0)).mean())
    return min(max((right - agreed) / (2 * right - 1), 0.0), 0.5)
