"""Confident learning against cleanlab, contradictions that were planted, rates, actions."""

import numpy as np
import pytest
from cleanlab.count import estimate_joint
from cleanlab.filter import find_label_issues
from scipy.special import expit

from curation.noise.actions import Action, dual_witness, rule
from curation.noise.confident import confident_errors
from curation.noise.contradictions import repeated, tension
from curation.noise.rate import flip_rate_of, from_gold, from_posteriors, from_repeats


@pytest.mark.parametrize("seed", range(5))
def test_confident_learning_is_that_of_cleanlab(seed: int) -> None:
    rng = np.random.default_rng(seed)
    margin = rng.normal(size=2000) * (1 + seed)
    label = (rng.random(2000) < expit(margin)) ^ (rng.random(2000) < 0.2)
    p_a = expit(margin)
    probabilities = np.column_stack([1 - p_a, p_a])
    theirs = find_label_issues(
        label.astype(int), probabilities, filter_by="confident_learning", n_jobs=1
    )
    ours = confident_errors(p_a, label)
    assert (ours.wrong == theirs).all()
    joint = estimate_joint(label.astype(int), probabilities)
    assert ours.rate == pytest.approx(1 - float(np.trace(joint)), abs=1e-3)


def test_labels_of_one_kind_can_not_be_doubted() -> None:
    assert not confident_errors(np.array([0.1, 0.9]), np.array([True, True])).wrong.any()
    assert confident_errors(np.zeros(0), np.zeros(0, bool)).rate == 0


def test_planted_contradictions_are_counted_whichever_way_round() -> None:
    others, against = repeated(
        ["p", "p", "p", "q", "p"], ["x", "y", "x", "x", "x"], ["y", "x", "y", "y", "z"],
        np.array([True, False, False, True, True]),
    )  # fmt: skip
    assert others.tolist() == [2, 2, 2, 0, 0]
    assert against.tolist() == [0.5, 0.5, 1.0, 0.0, 0.0]


def test_a_comparison_against_a_ranking_is_under_tension() -> None:
    a, b = np.array([0, 1, 0, 3]), np.array([1, 2, 2, 4])
    assert tension(a, b, np.ones(4)) == pytest.approx([1 / 3, 1 / 3, -1 / 3, 0], abs=1e-6)
    cycle = tension(np.array([0, 1, 2]), np.array([1, 2, 0]), np.ones(3))
    assert cycle == pytest.approx([1, 1, 1])
    outvoted = tension(np.zeros(3, int), np.ones(3, int), np.array([1.0, 1, -1]))
    assert outvoted == pytest.approx([2 / 3, 2 / 3, 4 / 3])
    assert len(tension(np.zeros(0, int), np.zeros(0, int), np.zeros(0))) == 0


def test_rates_come_with_intervals_or_with_a_reason() -> None:
    assert flip_rate_of(0.68) == pytest.approx(0.2)
    assert flip_rate_of(0.4) == 0.5
    found = from_repeats(680, 1000)
    assert found.rate == pytest.approx(0.2)
    assert (found.low or 1) < 0.2 < (found.high or 0)
    assert from_repeats(3, 4).rate is None
    gold = from_gold(10, 100)
    assert (gold.low or 1) < 0.1 < (gold.high or 0)
    assert (from_gold(0, 50).low, from_gold(50, 50).high) == (0.0, 1.0)
    refused = from_posteriors(np.ones(10), "not identified")
    assert (refused.rate, refused.why) == (None, "not identified")


def test_intervals_of_rates_cover_the_truth() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(200):
        rate = from_gold(int(rng.binomial(100, 0.2)), 100)
        inside += (rate.low or 0.0) <= 0.2 <= (rate.high or 1.0)
    assert inside >= 186


def test_one_witness_may_not_turn_a_label() -> None:
    p = np.array([0.05, 0.05, 0.05, 0.4, 0.9, 0.9, np.nan])
    one = np.array([0.1, 0.1, 0.9, 0.9, 0.1, 0.9, 0.1])
    two = np.array([0.1, 0.9, np.nan, 0.9, 0.1, 0.9, 0.1])
    found = rule(p, {"one": one, "two": two})
    assert found.actions.tolist() == [
        "flip",
        "review",
        "soften",
        "soften",
        "review",
        "keep",
        "keep",
    ]
    assert found.witnesses[0] == ("one", "two")
    assert found.witnesses[1] == ("one",)
    certified = rule(p, {}, np.array([True] + [False] * 6))
    assert certified.actions[0] == Action.flip
    withheld = rule(p, {"one": one, "two": two}, identified=False)
    assert Action.flip not in withheld.actions.tolist()


def test_the_worked_rulings_of_two_reward_models() -> None:
    found = dual_witness(np.array([0.3, 0.3, 0.7, 0.7]), np.array([0.2, 0.8, 0.6, 0.3]))
    assert found.tolist() == ["flip", "review", "keep", "drop"]
