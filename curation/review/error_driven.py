"""L05 as an order of review: unverified pairs that resemble those on which belief was wrong."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.audit.questions import Questions
from curation.consensus.votes import TIE, A, Anchors, B
from curation.items import Floats
from curation.review.queue import voter_weights
from curation.review.retrieval import K_MAX, retrieve, unit

UNHEARD = 0.4  # the weight of a half beside the votes: a lone label is right with .8


class Similar(NamedTuple):
    """(m,) each, in the order of the queue: `rows`; `to` the verified row that each resembles most
    of those that fetched it; their cosine `similarity`; `p_correct` that was given to what is now
    known there."""

    rows: NDArray[np.int64]
    to: NDArray[np.int64]
    similarity: Floats
    p_correct: Floats


def pair_vectors(surroundings: Floats, leans: Floats, labels: NDArray[np.int64]) -> Floats:
    """(n, d): the conversation, and how what the label prefers differs from the rest, in halves.

    `leans` are of a beside b, in any unit; they are turned towards the label, as an error is one
    of preferring something. Zeros for ties.
    """
    size = np.sqrt((leans**2).mean(axis=0))
    towards = np.where(labels == A, 1.0, np.where(labels == B, -1.0, 0.0))[:, None]
    return np.hstack([unit(surroundings), unit(leans / np.where(size > 0, size, 1.0) * towards)])


def heard(questions: Questions, reliability: Floats) -> Floats:
    """(n,) P(a better) by the votes alone, each with its weight, and a half beside them."""
    votes = questions.votes.votes
    weights = voter_weights(reliability)[votes.annotators]
    share = np.where(votes.said == A, 1.0, np.where(votes.said == TIE, 0.5, 0.0))
    total = np.bincount(votes.items, weights, votes.n_items) + UNHEARD
    return (np.bincount(votes.items, weights * share, votes.n_items) + UNHEARD / 2) / total


def similar_to_errors(
    vectors: Floats,
    p_a: Floats,
    known: Anchors,
    pool: NDArray[np.int64],
    ids: Sequence[str],
    k_max: int = K_MAX,
) -> Similar:
    """`p_a` (n,) what was believed before anything was verified; `known` what is now; `pool` the
    rows that wait, `ids` of all n.

    A verified pair fetches as many as `how_many` says. They come in the order of how wrong belief
    was there, (1 − p) · cosine: one that looks like an error before one that looks like a pair
    that was right. Skywork-Reward-V2, arXiv 2507.01352, says how many, and no order.
    """
    p_correct = np.where(known.a_better, p_a[known.items], 1 - p_a[known.items])
    names = np.asarray(ids)[pool].tolist()
    found = retrieve(vectors[known.items], p_correct, vectors[pool], names, k_max)
    p = p_correct[found.queries]
    order = np.argsort(-np.round((1 - p) * found.similarity, 12), kind="stable")
    return Similar(
        pool[found.rows[order]], known.items[found.queries[order]], found.similarity[order],
        p[order],
    )  # fmt: skip
