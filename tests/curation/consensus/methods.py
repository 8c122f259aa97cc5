"""Every way to a consensus, by name, as one function of votes and anchors."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from curation.consensus import Consensus, Votes
from curation.consensus.anchored import anchored
from curation.consensus.dawid_skene import dawid_skene
from curation.consensus.glad import glad
from curation.consensus.majority import majority
from curation.consensus.noisy_bradley_terry import Judgments, noisy_bradley_terry
from curation.consensus.one_coin import one_coin
from curation.consensus.votes import Anchors

Method: TypeAlias = Callable[[Votes, Anchors], Consensus]


def bradley_terry(votes: Votes, _: Anchors) -> Consensus:
    """Each item's responses are met only there; an ability stands for a reliability."""
    a, b = 2 * votes.items, 2 * votes.items + 1
    given = Judgments(a, b, votes.annotators, votes.said, 2 * votes.n_items, votes.n_annotators)
    found = noisy_bradley_terry(given)
    items = np.arange(votes.n_items)
    return Consensus(found.p_a(2 * items, 2 * items + 1), found.ability)


METHODS: Mapping[str, Method] = {
    "majority": lambda votes, _: majority(votes),
    "one_coin": one_coin,
    "dawid_skene": lambda votes, anchors: dawid_skene(votes, anchors)[0],
    "glad": lambda votes, anchors: glad(votes, anchors)[0],
    "bradley_terry": bradley_terry,
    "anchored": anchored,
}
