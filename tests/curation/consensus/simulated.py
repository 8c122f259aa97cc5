"""Annotators of known reliability, and what they say of items whose truth is known."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.consensus import Votes
from curation.items import Floats


class World(NamedTuple):
    votes: Votes
    a_better: NDArray[np.bool_]
    reliability: Floats


def world(items: int, annotators: int, votes_each: int, seed: int, tie_rate: float = 0.0) -> World:
    """Everyone votes on `votes_each` random items and is right with their own probability."""
    random = np.random.default_rng(seed)
    truth = random.random(items) < 0.5
    reliability = random.uniform(0.55, 0.98, annotators)
    who = np.repeat(np.arange(annotators), votes_each)
    what = np.concatenate(
        [random.choice(items, votes_each, replace=False) for _ in range(annotators)]
    )
    right = random.random(len(who)) < reliability[who]
    said = np.where(truth[what] == right, 0, 1)
    said[random.random(len(who)) < tie_rate] = 2
    return World(Votes(what, who, said, items, annotators), truth, reliability)


def exchanged(votes: Votes) -> Votes:
    """The same votes with a and b exchanged in every item."""
    said = np.array([1, 0, 2])[votes.said]
    return Votes(votes.items, votes.annotators, said, votes.n_items, votes.n_annotators)
