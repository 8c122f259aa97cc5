"""S10: can a policy rank a pair right, how much training that takes, and whether it ever will."""

from typing import NamedTuple

import numpy as np

from curation.items import Floats

BETA = 0.1


class Ranking(NamedTuple):
    """(n,) each. `ranked`: log π(y_w) >= log π(y_l), 1 or 0; `difficulty` c = −(log π_ref(y_w) −
    log π_ref(y_l)), above 0 where the reference has it the wrong way round; `loss_needed`: the DPO
    loss at or below which the pair is ranked right, −log σ(βc)."""

    ranked: Floats
    difficulty: Floats
    loss_needed: Floats


def ranking(
    policy_chosen: Floats,
    policy_rejected: Floats,
    reference_chosen: Floats,
    reference_rejected: Floats,
    beta: float = BETA,
) -> Ranking:
    """All (n,): sums of token log-probabilities in nats. Divide by the number of tokens before for
    the length-normalised accuracy. Chen et al., arXiv 2405.19534."""
    ranked = (np.asarray(policy_chosen) >= policy_rejected).astype(np.float64)
    difficulty = np.asarray(reference_rejected, np.float64) - reference_chosen
    return Ranking(ranked, difficulty, np.logaddexp(0, -beta * difficulty))


def idealised(difficulty: Floats, agreeing: Floats, beta: float = BETA) -> Floats:
    """(n,) > 0 where a perfectly optimised policy ranks the pair right; `agreeing` (n,) in (0, 1)
    is the share of raters that prefer the chosen response."""
    share = np.asarray(agreeing, np.float64)
    return -np.asarray(difficulty) + (np.log(share) - np.log1p(-share)) / beta
