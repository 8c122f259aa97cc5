"""Dawid–Skene: what each annotator says where a is better, where b is, and where neither."""

import numpy as np

from curation.consensus.votes import NONE, TIE, A, Anchors, B, Consensus, Votes
from curation.items import Floats

SMOOTHING = 0.01  # of a vote, in each cell of a confusion matrix
TOLERANCE = 1e-6
ITERATIONS = 500


def dawid_skene(
    votes: Votes, anchors: Anchors = NONE, iterations: int = ITERATIONS
) -> tuple[Consensus, Floats]:
    """EM with a full confusion matrix each, (n_annotators, 3, 3): [truth, what they say].

    P(a better) counts half of P(tie). With a and b in the order shown, a row that favours what was
    shown first is a position bias. Dawid & Skene 1979. Anchored items keep their truth.
    """
    truth = initial(votes, anchors)
    heard = np.bincount(votes.items, minlength=votes.n_items) > 0  # of the others nothing is known
    counts = votes.counts
    steps = 0
    confusion = np.zeros((votes.n_annotators, 3, 3))
    while steps < iterations:
        steps += 1
        said = (counts.T @ truth).reshape(votes.n_annotators, 3, 3).transpose(0, 2, 1) + SMOOTHING
        confusion = said / said.sum(axis=2, keepdims=True)
        share = truth[heard].sum(axis=0) + 1e-12
        table = np.log(confusion).transpose(0, 2, 1).reshape(-1, 3)
        logits = counts @ table + np.log(share / share.sum())
        logits -= logits.max(axis=1, keepdims=True)
        found = np.exp(logits)
        found = found / found.sum(axis=1, keepdims=True)
        found = settled(np.where(heard[:, None], found, 1 / 3), anchors)
        moved = float(np.abs(found - truth).max(initial=0))
        truth = found
        if moved < TOLERANCE:
            break
    p_a = truth[:, A] + truth[:, TIE] / 2
    return Consensus(p_a, decided_right(confusion, votes), steps, steps < iterations), confusion


def initial(votes: Votes, anchors: Anchors) -> Floats:
    """Shares of the votes; a third each where nobody voted."""
    tallies = np.stack(
        [
            np.bincount(votes.items[votes.said == what], minlength=votes.n_items)
            for what in (A, B, TIE)
        ],
        axis=1,
    ).astype(np.float64)
    total = tallies.sum(axis=1, keepdims=True)
    shares = np.where(total > 0, tallies / np.maximum(total, 1), 1 / 3)
    return settled(shares, anchors)


def settled(truth: Floats, anchors: Anchors) -> Floats:
    if len(anchors.items):
        truth[anchors.items] = np.where(anchors.a_better[:, None], [1.0, 0, 0], [0, 1.0, 0])
    return truth


def decided_right(confusion: Floats, votes: Votes) -> Floats:
    """P(right | decided vote, decided truth) of each annotator; NaN for who decided nothing."""
    right = confusion[:, A, A] + confusion[:, B, B]
    wrong = confusion[:, A, B] + confusion[:, B, A]
    decided = np.bincount(votes.annotators[votes.said != TIE], minlength=votes.n_annotators)
    return np.where(decided > 0, right / (right + wrong), np.nan)
