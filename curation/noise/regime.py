"""What kind of labels a dataset has: can they be predicted, and how many look wrong."""

from typing import NamedTuple

import numpy as np
from scipy.special import logit

from curation.items import Floats
from curation.noise.em import denoise, sharpened

EDGE = 1e-6
CLEAN = 0.05  # an estimated share of wrong labels up to which labels pass for clean
ONE_SIDED = 1.645  # standard errors
UNKNOWN = 0.1  # gated where the noise is not identified
LEAST = 100  # labels below which nothing is estimated


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
    """From cross-fitted P(label right), D06 (iii): EM from several starts, with its refusals.

    The gate is the estimated noise, 0 where labels look clean, and a tenth where the noise is not
    identified: on the tuning splits of benchmarks.proof that gains on flipped labels and costs
    little on clean ones, while a harder gate removes hard pairs instead of wrong ones.
    """
    known = np.asarray(p_correct, np.float64)
    known = np.clip(known[np.isfinite(known)], EDGE, 1 - EDGE)
    if len(known) < LEAST:
        return Regime(float("nan"), None, 0.0, False, f"{len(known)} labels are too few to say")
    accuracy = float(((known > 0.5) + 0.5 * (known == 0.5)).mean())
    learnable = accuracy - 0.5 > ONE_SIDED * 0.5 / np.sqrt(len(known))
    found = denoise(known, oof_accuracy=accuracy, refit=sharpened(logit(known)))
    if found.noise_rate is None:
        return Regime(accuracy, None, UNKNOWN, learnable, found.why)
    gate = found.noise_rate if found.noise_rate > CLEAN else 0.0
    return Regime(accuracy, found.noise_rate, gate, learnable, None)
