"""What may not matter: which response is called a, what annotators are called, the votes' order."""

import numpy as np
import pytest

from curation.consensus import Votes
from curation.consensus.votes import Anchors
from tests.curation.consensus.methods import METHODS, Method
from tests.curation.consensus.simulated import exchanged, world

ANCHORS, TURNED = ([(i, i % 2 == 0) for i in range(10)], [(i, i % 2 == 1) for i in range(10)])
LOOSE = {"glad": 1e-3, "bradley_terry": 1e-3}  # these stop where L-BFGS does
every_method = pytest.mark.parametrize(
    ("method", "near"),
    [(method, LOOSE.get(name, 1e-6)) for name, method in METHODS.items()],
    ids=METHODS,
)


@every_method
@pytest.mark.parametrize("ties", [0.0, 0.3])
def test_exchanging_a_and_b_exchanges_the_answer(method: Method, near: float, ties: float) -> None:
    votes = world(50, 8, 30, seed=11, tie_rate=ties).votes
    there = method(votes, Anchors.of(ANCHORS))
    back = method(exchanged(votes), Anchors.of(TURNED))
    assert back.p_a == pytest.approx(1 - there.p_a, abs=near)
    assert back.reliability == pytest.approx(there.reliability, abs=near)


@every_method
def test_exchanging_some_items_exchanges_their_answers_alone(method: Method, near: float) -> None:
    """But Dawid–Skene without ties: what someone says of an "a" is not what they say of a "b"."""
    if method is METHODS["dawid_skene"]:
        return
    votes = world(50, 8, 30, seed=12).votes
    turn = np.random.default_rng(0).random(50) < 0.5
    said = np.where(turn[votes.items], 1 - votes.said, votes.said)
    anchors = [(item, better ^ bool(turn[item])) for item, better in ANCHORS]
    there = method(votes, Anchors.of(ANCHORS)).p_a
    back = method(Votes(votes.items, votes.annotators, said, 50, 8), Anchors.of(anchors)).p_a
    assert back == pytest.approx(np.where(turn, 1 - there, there), abs=near)


@every_method
def test_names_of_annotators_and_items_and_the_order_of_votes_do_not_matter(
    method: Method, near: float
) -> None:
    votes = world(50, 8, 30, seed=13, tie_rate=0.1).votes
    rng = np.random.default_rng(1)
    names, items, order = rng.permutation(8), rng.permutation(50), rng.permutation(len(votes))
    other = Votes(
        items[votes.items[order]], names[votes.annotators[order]], votes.said[order], 50, 8
    )
    anchors = Anchors.of([(int(items[item]), better) for item, better in ANCHORS])
    there, back = method(votes, Anchors.of(ANCHORS)), method(other, anchors)
    assert back.p_a[items] == pytest.approx(there.p_a, abs=near)
    assert back.reliability[names] == pytest.approx(there.reliability, abs=near)


@every_method
def test_an_annotator_who_never_votes_changes_nothing(method: Method, near: float) -> None:
    votes = world(50, 8, 30, seed=14).votes
    more = Votes(votes.items, votes.annotators, votes.said, 50, 12)
    anchors = Anchors.of(ANCHORS)
    assert method(more, anchors).p_a == pytest.approx(method(votes, anchors).p_a, abs=near)
