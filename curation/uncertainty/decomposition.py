"""S12: uncertainty that asking again would not remove, and what it would; in bits."""

from typing import NamedTuple

import numpy as np

from curation.items import Floats

FLOOR = 1e-10


class Decomposition(NamedTuple):
    """(n,) in bits. `total` = `expected` + `mutual`: `expected` is left whatever the rationale
    says (epistemic under input clarification), `mutual` is how much rationales disagree."""

    total: Floats
    expected: Floats
    mutual: Floats


def entropy(p: Floats) -> Floats:
    """Of distributions along the last axis, in bits."""
    safe = np.clip(np.asarray(p, np.float64), FLOOR, 1.0)
    return -(safe * np.log2(safe)).sum(axis=-1)


def decompose(p: Floats) -> Decomposition:
    """`p` (n, samples, outcomes): the predicted distribution under each sampled rationale.

    H₂(mean P), E H₂(P) and their difference: "Mirroring Users" (preference-aligned simulators).
    """
    p = np.asarray(p, np.float64)
    total, expected = entropy(p.mean(axis=-2)), entropy(p).mean(axis=-1)
    return Decomposition(total, expected, total - expected)


def uncertainty_gap(weak: Floats, strong: Floats) -> Floats:
    """Expected entropy under a weak model's rationales less that under a strong one's: (n,) bits;
    high where a strong explanation helps."""
    return decompose(weak).expected - decompose(strong).expected
