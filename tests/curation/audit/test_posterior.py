"""Posteriors by what is known, and the tests for a bias that voters share."""

import numpy as np
import pytest
from numpy.typing import NDArray

from curation.audit.posterior import posterior
from curation.audit.questions import UNKNOWN, Ballots, Questions, draw_anchors
from curation.consensus.votes import Anchors, Votes
from curation.items import Floats


def asked(said: NDArray[np.int64], first: Floats | None = None) -> Questions:
    """(items, annotators) of A, B, TIE; everyone votes on everything. The truth is A."""
    n, k = said.shape
    votes = Votes(np.repeat(np.arange(n), k), np.tile(np.arange(k), n), said.ravel(), n, k)
    shown = np.zeros(n * k) if first is None else first.ravel()
    ballots = Ballots(votes, shown, [f"v{i}" for i in range(k)], ["human"] * k)
    labels = np.where((said == 0).sum(axis=1) * 2 > k, 0, 1)
    ids = np.arange(n)
    return Questions(
        labels,
        np.full(n, k),
        ids,
        2 * ids,
        2 * ids + 1,
        np.zeros(n, int),
        ballots,
        np.ones(n, bool),
    )


def independent(seed: int, n: int = 300, right: float = 0.75, k: int = 8) -> NDArray[np.int64]:
    """Each errs alone; half of the items turned round, so that a and b mean nothing."""
    rng = np.random.default_rng(seed)
    hard = rng.random(n)[:, None] < 0.3
    return (rng.random((n, k)) > np.where(hard, 0.6, right)).astype(np.int64)


def test_independent_voters_raise_no_alarm() -> None:
    alarms = sum(posterior(asked(independent(seed))).bias_possible for seed in range(20))
    assert alarms == 0


def test_voters_that_copy_each_others_errors_do() -> None:
    said = independent(0)
    said[:, 1:4] = said[:, [0]]
    found = posterior(asked(said))
    assert found.bias_possible
    assert "shared bias possible: annotators agree" in found.warnings[0]


def test_voters_that_take_what_comes_first_do() -> None:
    rng = np.random.default_rng(1)
    first = rng.choice([-1.0, 1.0], (300, 8))
    said = np.where(rng.random((300, 8)) < 0.5, np.where(first > 0, 0, 1), independent(1))
    found = posterior(asked(said, first))
    assert any(each.name == "order" and each.speaks for each in found.findings)


def test_anchors_fix_their_own_pairs_and_no_others() -> None:
    questions = asked(independent(2))
    anchors = Anchors(np.array([3, 4, 5, 6, 7, 8]), np.array([True] * 5 + [False]))
    found = posterior(questions, anchors)
    assert found.method == "anchored"
    assert found.p_a[anchors.items].tolist() == [1, 1, 1, 1, 1, 0]
    others = np.delete(found.p_a, anchors.items)
    assert ((others > 0) & (others < 1)).all()


def test_a_lone_label_is_right_with_the_prior_and_content_adds_to_it() -> None:
    questions = asked(np.array([[0], [1], [2]]))
    assert posterior(questions).p_a == pytest.approx([0.8, 0.2, 0.5])
    found = posterior(questions, evidence={"content": np.array([0.5, 0.9, 0.7])})
    assert found.p_a == pytest.approx([0.8, 0.2 * 0.9 / (0.2 * 0.9 + 0.8 * 0.1), 0.7])


def test_exchanging_a_and_b_exchanges_the_posterior() -> None:
    said = independent(3)
    turned = np.where(said == 2, 2, 1 - said)
    anchors = Anchors(np.arange(10), np.ones(10, bool))
    back = Anchors(np.arange(10), np.zeros(10, bool))
    one = posterior(asked(said), anchors).p_a
    assert one == pytest.approx(1 - posterior(asked(turned), back).p_a, abs=1e-6)
    assert posterior(asked(said)).p_a == pytest.approx(1 - posterior(asked(turned)).p_a, abs=1e-6)


def test_drawn_anchors_are_verified_ones_and_repeat_with_the_seed() -> None:
    truth = np.array([0, UNKNOWN, 1, 0, UNKNOWN, 1])
    every = draw_anchors(truth, None, 0)
    assert every.items.tolist() == [0, 2, 3, 5]
    assert every.a_better.tolist() == [True, False, True, False]
    assert draw_anchors(truth, 2, 7).items.tolist() == draw_anchors(truth, 2, 7).items.tolist()
    assert len(draw_anchors(truth, 99, 0).items) == 4
    assert len(draw_anchors(truth, 0, 0).items) == 0


def test_nothing_gives_nothing() -> None:
    assert len(posterior(asked(np.zeros((0, 3), np.int64))).p_a) == 0
