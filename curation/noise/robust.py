"""N04: a loss that stays unbiased where a known share of labels is flipped (robust DPO)."""

import numpy as np

from curation.items import Floats

SURE = 1e-12  # a model's probability stays this far off 0, where the loss has no end
MOST = 0.45  # at .5 a label says nothing, and the targets grow without limit


def clamped(flip_rate: Floats | float) -> Floats:
    return np.clip(np.asarray(flip_rate, np.float64), 0.0, MOST)


def robust_loss(p: Floats, flip_rate: Floats | float) -> Floats:
    """[(1 − ε) L(w, l) − ε L(l, w)] / (1 − 2ε), L = −log p: its mean over flips at rate ε is L.

    `p` (n,) is P(chosen better) by the model. Chowdhury et al., arXiv 2403.00409.
    """
    epsilon = clamped(flip_rate)
    kept, turned = nats(p), nats(1 - np.asarray(p))
    return ((1 - epsilon) * kept - epsilon * turned) / (1 - 2 * epsilon)


def conservative_loss(p: Floats, flip_rate: Floats | float) -> Floats:
    """(1 − ε) L(w, l) + ε L(l, w): label smoothing; biased, with bounded variance."""
    epsilon = clamped(flip_rate)
    return (1 - epsilon) * nats(p) + epsilon * nats(1 - np.asarray(p))


def nats(p: Floats) -> Floats:
    return -np.log(np.clip(p, SURE, 1.0))


def robust_target(flip_rate: Floats | float, label: Floats | float = 1.0) -> Floats:
    """((1 − ε) y − ε (1 − y)) / (1 − 2ε): above 1 or below 0 for ε > 0."""
    epsilon = clamped(flip_rate)
    return ((1 - epsilon) * label - epsilon * (1 - np.asarray(label))) / (1 - 2 * epsilon)
