"""Budgets against brute force: at most one label a pair, and the most gained in all."""

from itertools import product

import numpy as np
import pytest

from curation.items import Floats
from curation.review.allocation import NOBODY, allocate, by_efficiency


def brute_force(gain: Floats, costs: Floats, budget: float) -> float:
    options = range(-1, gain.shape[1])
    best = 0.0
    for chosen in product(options, repeat=len(gain)):
        bought = [(row, option) for row, option in enumerate(chosen) if option >= 0]
        if sum(costs[each] for each in bought) <= budget:
            best = max(best, sum(gain[each] for each in bought))
    return best


@pytest.mark.parametrize("seed", range(25))
def test_it_is_the_best_there_is_and_within_the_budget(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gain, costs = rng.normal(0.2, 0.5, (6, 3)), rng.uniform(0.1, 2, (6, 3))
    gain[rng.random((6, 3)) < 0.2] = -np.inf
    budget = float(rng.uniform(0, 5))
    found = allocate(gain, costs, budget)
    rows = np.flatnonzero(found.chosen != NOBODY)
    assert costs[rows, found.chosen[rows]].sum() <= budget + 1e-9
    best = brute_force(gain, costs, budget)
    assert found.gained == pytest.approx(best)
    assert gain[rows, found.chosen[rows]].sum() == pytest.approx(best)
    assert found.bound >= best - 1e-9


@pytest.mark.parametrize("seed", range(10))
def test_of_many_pairs_it_is_short_by_less_than_one_label(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gain, costs = rng.uniform(0, 0.5, (500, 2)), rng.uniform(0.1, 2, (500, 2))
    found = by_efficiency(gain, costs, 60.0)
    rows = np.flatnonzero(found.chosen != NOBODY)
    assert costs[rows, found.chosen[rows]].sum() <= 60.0
    assert 0 <= found.bound - found.gained < gain.max()


def test_one_dear_label_is_bought_where_it_is_worth_more_than_many_cheap_ones() -> None:
    gain, costs = np.array([[0.2], [0.9]]), np.array([[0.1], [2.0]])
    assert by_efficiency(gain, costs, 2.0).chosen.tolist() == [NOBODY, 0]
    assert allocate(gain, costs, 2.0).gained == pytest.approx(0.9)


def test_what_gains_nothing_or_is_too_dear_is_not_bought() -> None:
    gain = np.array([[0.0], [-0.1], [-np.inf], [0.4], [0.1]])
    costs = np.array([[1.0], [1.0], [1.0], [9.0], [1.0]])
    assert allocate(gain, costs, 5.0).chosen.tolist() == [NOBODY] * 4 + [0]
    assert allocate(gain, costs, 0.0).chosen.tolist() == [NOBODY] * 5
    assert allocate(np.zeros((0, 2)), np.zeros((0, 2)), 5.0).chosen.tolist() == []


def test_a_budget_below_zero_and_labels_for_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="budget"):
        allocate(np.ones((1, 1)), np.ones((1, 1)), -1.0)
    with pytest.raises(ValueError, match="cost"):
        allocate(np.ones((1, 1)), np.zeros((1, 1)), 1.0)
