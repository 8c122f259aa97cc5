"""The order in which pairs are worth a human's look: ActiveLab for pairs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.audit.posterior import Posterior
from curation.audit.questions import Questions
from curation.consensus.votes import TIE, A, B, Votes
from curation.items import Floats

UNKNOWN_WEIGHT = 0.6  # of an annotator nobody knows: right in 8 of 10
LEAST_WEIGHT = 0.05  # of one who guesses, or worse


def active_lab(quality: Floats, weight: Floats, next_weight: float) -> Floats:
    """(n,) in 0..1, higher = look here first: 1 − (W q + w̄ / 2) / (W + w̄).

    `quality` q P(the label is right); `weight` W that the evidence on it has; `next_weight` w̄ of
    the label that is still to come, of which nothing is known: a half. One minus cleanlab's score
    for two classes. Goh & Mueller, arXiv 2301.11856.
    """
    if not next_weight > 0:
        raise ValueError("the next label must weigh something")
    return 1 - (weight * quality + next_weight / 2) / (weight + next_weight)


def voter_weights(reliability: Floats) -> Floats:
    """(annotators,) 2r − 1, what each one knows beyond guessing; .6 where nothing is known (NaN).

    CROWDLAB's weight with a half as its baseline: which response is a and which b means nothing.
    """
    weights = np.clip(2 * reliability - 1, LEAST_WEIGHT, 1.0)
    return np.where(np.isnan(reliability), UNKNOWN_WEIGHT, weights)


def evidence_weight(votes: Votes, weights: Floats, scorer_accuracy: float) -> Floats:
    """(n_items,): the weights of all who voted, and of a content scorer that is right on
    `scorer_accuracy` of unseen labels (NaN: there is none): (2 accuracy − 1) √(votes a pair)."""
    total = np.bincount(votes.items, weights[votes.annotators], votes.n_items)
    beyond = max(2 * np.nan_to_num(scorer_accuracy, nan=0.5) - 1, 0.0)
    return total + beyond * np.sqrt(len(votes) / max(votes.n_items, 1))


def expected_information(
    questions: Questions,
    found: Posterior,
    scorer_accuracy: float = float("nan"),
    settled: NDArray[np.int64] | None = None,
) -> Floats:
    """(n,) in 0..1, higher = look here first; 0 for pairs in `settled`, which a human has answered.

    A split label counts as the likelier side; NaN where all who spoke said tie or both bad: there
    is no side to be wrong about.
    """
    p_a, labels = found.p_a, questions.labels
    quality = np.where(labels == A, p_a, np.where(labels == B, 1 - p_a, np.maximum(p_a, 1 - p_a)))
    votes = questions.votes.votes
    weights = voter_weights(found.reliability)
    next_weight = float(weights.mean()) if len(weights) else UNKNOWN_WEIGHT
    weight = evidence_weight(votes, weights, scorer_accuracy)
    worth = active_lab(quality, weight, next_weight)
    takes_side = np.bincount(votes.items, votes.said != TIE, votes.n_items) > 0
    worth[~(takes_side | questions.decided)] = np.nan
    if settled is not None:
        worth[settled] = 0.0
    return worth


def queue(information: Floats, ids: Sequence[Any], limit: int | None = None) -> NDArray[np.int64]:
    """Rows, the most informative first; of equals the lower id. Rows of 0 and NaN stay out."""
    ranks = np.empty(len(ids), np.int64)
    ranks[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
    order = np.lexsort((ranks, -information))
    return order[information[order] > 0][:limit]
