"""One coin an annotator: how often a decided vote is right (symmetric Dawid–Skene, A01)."""

import numpy as np

from curation.consensus.majority import majority
from curation.consensus.votes import NONE, Anchors, Consensus, Votes
from curation.items import Floats

PRIOR = (9.0, 1.0)  # right and wrong votes that everyone has beforehand
TOLERANCE = 1e-6
ITERATIONS = 500


def one_coin(
    votes: Votes,
    anchors: Anchors = NONE,
    prior: tuple[float, float] = PRIOR,
    iterations: int = ITERATIONS,
) -> Consensus:
    """EM for the reliability η_k of each annotator and P(a better) of each item.

    Ties say nothing. `prior` is a Beta: it keeps annotators with few votes near 9 in 10. Anchored
    items keep their truth. Where annotators share a bias the answer is confidently wrong: see
    `anchored`. Dawid & Skene 1979; RE-PO, arXiv 2509.24159.
    """
    signed = votes.counts[:, 0::3] - votes.counts[:, 1::3]
    decided = np.asarray(abs(signed).sum(axis=0)).ravel()
    p_a = anchors.fix(np.clip(majority(votes).p_a, 0.05, 0.95))
    steps = 0
    while steps < iterations:
        steps += 1
        reliability = expected_right(signed, decided, p_a, prior)
        log_odds = signed @ np.log(reliability / (1 - reliability))
        found = anchors.fix(1 / (1 + np.exp(-np.clip(log_odds, -700, 700))))
        moved = float(np.abs(found - p_a).max(initial=0))
        p_a = found
        if moved < TOLERANCE:
            break
    reliability = np.where(decided > 0, expected_right(signed, decided, p_a, prior), np.nan)
    return Consensus(p_a, reliability, steps, steps < iterations)


def expected_right(
    signed: "object", decided: Floats, p_a: Floats, prior: tuple[float, float]
) -> Floats:
    """Posterior mean of each annotator's share of right votes."""
    balance = signed.T @ (2 * p_a - 1)  # pyright: ignore[reportAttributeAccessIssue]
    right = (decided + balance) / 2
    return (right + prior[0]) / (decided + sum(prior))
