"""GLAD and the noisy Bradley–Terry model: gradients, limits, planted truth."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from curation.consensus import glad as glad_module
from curation.consensus import noisy_bradley_terry as bt_module
from curation.consensus.glad import glad
from curation.consensus.noisy_bradley_terry import Judgments, noisy_bradley_terry
from curation.consensus.votes import NONE, Anchors
from curation.items import Floats
from tests.curation.consensus.simulated import exchanged, world


def judged(seed: int, n: int = 6000, ties: float = 0.0) -> tuple[Judgments, Floats, Floats]:
    """40 responses of known strength, 8 annotators with known position pulls."""
    random = np.random.default_rng(seed)
    strength, pull = random.normal(0, 1, 40), np.linspace(-1, 1, 8)
    a = random.integers(0, 40, n)
    b = (a + random.integers(1, 40, n)) % 40
    who, first = random.integers(0, 8, n), random.choice([-1.0, 1.0], n)
    length = random.uniform(-1, 1, n)
    u = strength[a] - strength[b] + pull[who] * first + 0.8 * length
    weights = np.stack([np.exp(u / 2), np.exp(-u / 2), np.full(n, ties)])
    drawn = random.random(n) * weights.sum(axis=0)
    said = (drawn[None] > np.cumsum(weights, axis=0)).sum(axis=0)
    return Judgments(a, b, who, said, 40, 8, first, length), strength, pull


def test_gradients_are_those_of_the_losses() -> None:
    votes = world(20, 5, 12, seed=0).votes
    anchors = Anchors.of([(0, True), (5, False)])
    for model in (
        glad_module.Model(votes, NONE),
        glad_module.Model(votes, anchors),
        bt_module.Model(judged(1, 60, ties=0.5)[0]),
        bt_module.Model(judged(1, 60)[0]),
    ):
        size = 25 if isinstance(model, glad_module.Model) else model.ends[-1]
        at = np.random.default_rng(2).normal(0.3, 0.5, size)
        assert gradient_error(model, at) < 1e-4


def gradient_error(model: glad_module.Model | bt_module.Model, at: Floats) -> float:
    def value(x: Floats) -> float:
        return model.loss(x)[0]

    def gradient(x: Floats) -> Floats:
        return model.loss(x)[1]

    return float(check_grad(value, gradient, at))


def test_strengths_pulls_and_ties_are_found() -> None:
    judgments, strength, pull = judged(3, 20_000, ties=0.6)
    found = noisy_bradley_terry(judgments)
    assert found.converged
    assert np.corrcoef(found.strength, strength)[0, 1] > 0.98
    assert np.corrcoef(found.position, pull)[0, 1] > 0.98
    assert found.length == pytest.approx(0.8, abs=0.1)
    assert found.ties == pytest.approx(0.6, abs=0.05)


def test_without_ties_there_is_no_tie_parameter() -> None:
    judgments, _, _ = judged(4)
    assert noisy_bradley_terry(judgments).ties == 0


def test_exchanging_a_and_b_exchanges_the_answer() -> None:
    given, _, _ = judged(5, ties=0.4)
    assert given.first is not None
    assert given.length is not None
    said = np.array([1, 0, 2])[given.said]
    other = Judgments(given.b, given.a, given.annotators, said, 40, 8, -given.first, -given.length)
    one, two = noisy_bradley_terry(given), noisy_bradley_terry(other)
    assert two.strength == pytest.approx(one.strength, abs=1e-3)
    assert two.position == pytest.approx(one.position, abs=1e-3)
    assert two.p_a(given.b, given.a) == pytest.approx(1 - one.p_a(given.a, given.b), abs=1e-3)
    votes = world(60, 9, 40, seed=1, tie_rate=0.1).votes
    assert glad(exchanged(votes))[0].p_a == pytest.approx(1 - glad(votes)[0].p_a, abs=1e-3)


def test_a_graph_that_falls_apart_has_an_answer() -> None:
    none = np.zeros(0, np.int64)
    assert noisy_bradley_terry(Judgments(none, none, none, none, 3, 1)).strength == pytest.approx(0)
    one = np.array([0, 2])
    found = noisy_bradley_terry(Judgments(one, one + 1, one * 0, one * 0, 5, 1))
    assert np.isfinite(found.strength).all()
    assert found.strength[0] > found.strength[1]
    assert found.strength[4] == pytest.approx(0, abs=1e-6)


def test_glad_tells_hard_items_and_weak_annotators() -> None:
    random = np.random.default_rng(6)
    truth, ease = random.random(400) < 0.5, np.exp(random.normal(0, 0.8, 400))
    ability = np.concatenate([np.full(10, 2.0), np.full(10, 0.3), [-1.5]])
    rows = [(i, k) for i in range(400) for k in range(21)]
    what, who = np.array(rows).T
    right = random.random(len(what)) < 1 / (1 + np.exp(-ability[who] * ease[what]))
    said = np.where(truth[what] == right, 0, 1)
    votes = type(world(1, 1, 1, 0).votes)(what, who, said, 400, 21)
    consensus, found, eased = glad(votes)
    assert ((consensus.p_a > 0.5) == truth).mean() > 0.95
    assert found[:10].min() > found[10:20].max()
    assert found[20] < 0
    assert np.corrcoef(np.log(eased), np.log(ease))[0, 1] > 0.5
