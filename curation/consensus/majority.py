"""The share of the votes: what every other method has to beat."""

import numpy as np

from curation.consensus.votes import TIE, A, B, Consensus, Votes


def majority(votes: Votes) -> Consensus:
    """P(a better) = (votes for a + half the ties) / votes; .5 without votes.

    An annotator's reliability is the share of their decided votes that the others' majority
    confirms, over the items that it decides.
    """
    tallies = np.stack(
        [
            np.bincount(votes.items[votes.said == what], minlength=votes.n_items)
            for what in (A, B, TIE)
        ]
    ).astype(np.float64)
    total = tallies.sum(axis=0)
    p_a = np.where(total > 0, (tallies[A] + tallies[TIE] / 2) / np.maximum(total, 1), 0.5)
    sign = np.array([1.0, -1.0, 0.0])[votes.said]
    others = (tallies[A] - tallies[B])[votes.items] - sign
    decided = (sign != 0) & (others != 0)
    right = (np.sign(others) == sign) & decided
    shape = votes.n_annotators
    asked = np.bincount(votes.annotators[decided], minlength=shape)
    agreed = np.bincount(votes.annotators[right], minlength=shape)
    reliability = np.where(asked > 0, agreed / np.maximum(asked, 1), np.nan)
    return Consensus(p_a, reliability)
