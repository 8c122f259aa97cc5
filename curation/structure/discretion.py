"""A05: where principles agree or conflict, and how much annotators decide for themselves."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from curation.items import Floats


class Discretion(NamedTuple):
    """(n,) booleans: all principles that speak agree / they conflict / none speaks.
    `arbitrariness`: share of consensus items whose label contradicts it (NaN without any).
    `supremacy` (P, P): share of conflicts between p and q that p won, NaN where they never met."""

    consensus: NDArray[np.bool_]
    conflict: NDArray[np.bool_]
    indifferent: NDArray[np.bool_]
    arbitrariness: float
    supremacy: Floats


def discretion(principles: NDArray[np.int64], label: NDArray[np.int64]) -> Discretion:
    """`principles` (n, P): +1 a, −1 b, 0 silent; `label` (n,): +1 or −1. AI alignment at your
    discretion, arXiv 2502.10441."""
    speaks_a, speaks_b = (principles > 0).any(axis=1), (principles < 0).any(axis=1)
    speaks_a, speaks_b = np.asarray(speaks_a), np.asarray(speaks_b)
    conflict, indifferent = speaks_a & speaks_b, ~(speaks_a | speaks_b)
    consensus = speaks_a ^ speaks_b
    against = np.where(speaks_a, 1, -1)[consensus] != label[consensus]
    arbitrary = float(against.mean()) if consensus.any() else float("nan")
    agrees = (principles == label[:, None]) & (principles != 0)
    opposes = (principles == -label[:, None]) & (principles != 0)
    won = agrees.T.astype(np.float64) @ opposes
    met = won + won.T
    supremacy = np.where(met > 0, won / np.where(met > 0, met, 1), np.nan)
    return Discretion(consensus, conflict, indifferent, arbitrary, supremacy)


def discrepancy(one: Floats, other: Floats) -> float:
    """1 − Kendall's τ between two annotators' orders of principles by how often they prevail: 0
    (same order) .. 2 (reversed)."""
    tau: Any = kendalltau(np.nanmean(one, axis=1), np.nanmean(other, axis=1))
    return 1 - float(tau.statistic)
