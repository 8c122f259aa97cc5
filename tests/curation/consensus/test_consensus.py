"""Every way to a consensus: limits, invariances, an independent reference, planted truth."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from curation.consensus import Consensus, Votes
from curation.consensus.anchored import anchored
from curation.consensus.dawid_skene import dawid_skene
from curation.consensus.majority import majority
from curation.consensus.one_coin import one_coin
from curation.consensus.votes import Anchors
from tests.curation.consensus.simulated import exchanged, world

TWO = Anchors.of([(0, True), (1, False)])
METHODS: dict[str, Callable[[Votes], Consensus]] = {
    "majority": majority,
    "one_coin": one_coin,
    "dawid_skene": lambda votes: dawid_skene(votes)[0],
    "anchored": lambda votes: anchored(votes, TWO),
}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def votes_of(*rows: tuple[int, int, int], items: int = 0, annotators: int = 0) -> Votes:
    table = np.array(rows, np.int64).reshape(-1, 3)
    largest = table.max(axis=0, initial=-1)
    return Votes(
        table[:, 0],
        table[:, 1],
        table[:, 2],
        max(items, largest[0] + 1),
        max(annotators, largest[1] + 1),
    )


@every_method
def test_exchanging_a_and_b_exchanges_the_answer(method: Callable[[Votes], Consensus]) -> None:
    votes = world(60, 9, 40, seed=1, tie_rate=0.1).votes
    if method is METHODS["anchored"]:
        there = anchored(votes, Anchors.of([(0, True), (1, False)]))
        back = anchored(exchanged(votes), Anchors.of([(0, False), (1, True)]))
    else:
        there, back = method(votes), method(exchanged(votes))
    assert back.p_a == pytest.approx(1 - there.p_a, abs=1e-6)
    assert back.reliability == pytest.approx(there.reliability, abs=1e-6)


@every_method
def test_names_and_order_do_not_matter(method: Callable[[Votes], Consensus]) -> None:
    votes = world(60, 9, 40, seed=2, tie_rate=0.1).votes
    random = np.random.default_rng(0)
    names, order = random.permutation(9), random.permutation(len(votes))
    other = Votes(votes.items[order], names[votes.annotators[order]], votes.said[order], 60, 9)
    assert method(other).p_a == pytest.approx(method(votes).p_a, abs=1e-6)
    assert method(other).reliability[names] == pytest.approx(method(votes).reliability, abs=1e-6)


@every_method
def test_an_item_without_votes_is_even(method: Callable[[Votes], Consensus]) -> None:
    found = method(votes_of((0, 0, 0), (1, 0, 1), items=4, annotators=3))
    assert found.p_a[2:] == pytest.approx(0.5)
    assert np.isnan(found.reliability[1:]).all()
    assert np.isfinite(found.p_a).all()


@every_method
def test_only_ties_leave_everything_even(method: Callable[[Votes], Consensus]) -> None:
    found = method(votes_of((2, 0, 2), (3, 1, 2), items=4))
    assert found.p_a[2:] == pytest.approx(0.5)


def test_no_votes_at_all() -> None:
    for method in (majority, one_coin):
        assert method(votes_of()).p_a.shape == (0,)


@pytest.mark.parametrize(("each", "least"), [(20, 0.6), (50, 0.75), (200, 0.9)])
def test_planted_reliabilities_are_found(each: int, least: float) -> None:
    """The figures of 05-algorithms A01 are .76, .86 and .97."""
    found = []
    for seed in range(5):
        votes, _, reliability = world(max(each, 200), 40, each, seed)
        found.append(np.corrcoef(one_coin(votes).reliability, reliability)[0, 1])
    assert np.mean(found) > least


def test_flips_are_found() -> None:
    votes, truth, _ = world(400, 40, 50, seed=3)
    flipped = np.random.default_rng(0).random(400) < 0.2
    label = np.where(truth ^ flipped, 1.0, -1.0)
    for name in ("one_coin", "dawid_skene"):
        assert roc_auc_score(flipped, -label * (METHODS[name](votes).p_a - 0.5)) > 0.9


def naive_one_coin(votes: Votes, prior: tuple[float, float], steps: int) -> list[float]:
    """The same model as a loop over votes."""
    p = np.clip(majority(votes).p_a, 0.05, 0.95)
    rows = list(zip(votes.items, votes.annotators, votes.said, strict=True))
    for _ in range(steps):
        right, total = (
            np.full(votes.n_annotators, prior[0]),
            np.full(votes.n_annotators, sum(prior)),
        )
        for item, who, said in rows:
            if said < 2:
                right[who] += p[item] if said == 0 else 1 - p[item]
                total[who] += 1
        eta = right / total
        odds = np.zeros(votes.n_items)
        for item, who, said in rows:
            if said < 2:
                odds[item] += np.log(eta[who] / (1 - eta[who])) * (1 if said == 0 else -1)
        p = 1 / (1 + np.exp(-odds))
    return list(p)


def test_one_coin_is_what_a_loop_computes() -> None:
    votes = world(30, 6, 20, seed=4, tie_rate=0.1).votes
    found = one_coin(votes, iterations=7)
    assert found.p_a == pytest.approx(naive_one_coin(votes, (9.0, 1.0), 7), abs=1e-9)


def test_dawid_skene_finds_a_position_bias() -> None:
    """Someone who says "a" whatever is true has two equal rows."""
    votes, truth, _ = world(300, 8, 200, seed=5)
    biased = np.arange(300)
    always = Votes(
        np.concatenate([votes.items, biased]),
        np.concatenate([votes.annotators, np.full(300, 8)]),
        np.concatenate([votes.said, np.zeros(300, np.int64)]),
        300,
        9,
    )
    found, confusion = dawid_skene(always)
    assert confusion[8, 0, 0] > 0.99
    assert confusion[8, 1, 0] > 0.99
    without = dawid_skene(votes)[0].p_a
    assert ((found.p_a > 0.5) == truth).mean() > ((without > 0.5) == truth).mean() - 0.03


def test_a_shared_bias_fools_em_and_not_the_anchors() -> None:
    """Ten annotators who copy one wrong source against three who are mostly right."""
    random = np.random.default_rng(6)
    truth = random.random(300) < 0.5
    source = np.where(random.random(300) < 0.35, truth, ~truth)
    rows = [(i, k, 0 if source[i] else 1) for i in range(300) for k in range(10)]
    for k in range(10, 13):
        right = random.random(300) < 0.85
        rows += [(i, k, 0 if truth[i] == right[i] else 1) for i in range(300)]
    votes = votes_of(*rows)
    anchors = Anchors.of([(i, bool(truth[i])) for i in range(30)])
    assert ((one_coin(votes).p_a > 0.5) == truth)[30:].mean() < 0.5
    found = anchored(votes, anchors)
    assert ((found.p_a > 0.5) == truth)[30:].mean() > 0.85
    assert found.reliability[10:].min() > 0.75
    assert found.reliability[:10].max() < 0.5


def test_anchors_keep_their_truth() -> None:
    votes = world(50, 5, 30, seed=7).votes
    anchors = Anchors.of([(3, True), (4, False)])
    for found in (
        one_coin(votes, anchors),
        dawid_skene(votes, anchors)[0],
        anchored(votes, anchors),
    ):
        assert (found.p_a[3], found.p_a[4]) == (1.0, 0.0)


def test_without_anchors_there_is_no_anchored_answer() -> None:
    with pytest.raises(ValueError, match="at least one"):
        anchored(world(5, 2, 3, seed=0).votes, Anchors.of([]))


def test_a_vote_on_an_unknown_item_is_refused() -> None:
    with pytest.raises(ValueError, match="index"):
        Votes(np.array([3]), np.array([0]), np.array([0]), 3, 1)
