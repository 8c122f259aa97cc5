"""L06: its worked number, budgets against brute force, gains that are learnt from mixes."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from curation.items import Floats
from curation.review.routing import gains, learn_gains, random_mixes, ranked, route, thirds

SAFETY, LENGTH_TOP, COSINE_MID = 0, 1, 2
FEATURES = np.array([[1, 0, 1], [0, 1, 0], [0, 1, 1]], bool)  # A, B, C
COEFFICIENTS = np.array([0.6, -0.2, 0.3])


def test_the_pair_that_gains_most_by_a_human_is_routed_first() -> None:
    gain = gains(FEATURES, COEFFICIENTS)
    assert gain == pytest.approx([0.9, -0.2, 0.1])
    assert ["ABC"[row] for row in ranked(gain, list("ABC"))] == ["A", "C", "B"]
    assert route(gain, list("ABC"), 1).tolist() == [0]
    assert route(gain, list("ABC"), 3).tolist() == [0, 2]  # B would lose by it


def test_of_equal_gains_the_lower_id_is_bought_wherever_it_stands() -> None:
    gain = np.array([0.1, 0.1, 0.1])
    assert route(gain, list("cab"), 2).tolist() == [1, 2]
    assert route(gain, list("cab"), 0).tolist() == []


@pytest.mark.parametrize("seed", range(20))
def test_a_budget_is_kept_and_at_least_half_of_the_best_is_reached(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gain, costs = rng.normal(0.3, 1, 9), rng.uniform(0.2, 3, 9)
    ids = [str(i) for i in range(9)]
    chosen = route(gain, ids, 4.0, costs)
    best = best_by_brute_force(gain, costs, 4.0)
    assert costs[chosen].sum() <= 4.0
    assert gain[chosen].sum() >= best / 2
    unit = route(gain, ids, 4.0)
    assert gain[unit].sum() == pytest.approx(best_by_brute_force(gain, np.ones(9), 4.0))


def best_by_brute_force(gain: Floats, costs: Floats, budget: float) -> float:
    subsets = (list(rows) for size in range(10) for rows in combinations(range(9), size))
    return max(gain[rows].sum() for rows in subsets if costs[rows].sum() <= budget)


def test_thirds_are_by_percentile_and_equal_values_share_one() -> None:
    bins = thirds(np.array([5.0, 1, 9, 3, 7, 2]))
    assert bins.sum(axis=0).tolist() == [2, 2, 2]
    assert bins.argmax(axis=1).tolist() == [1, 0, 2, 1, 2, 0]
    assert thirds(np.ones(4))[:, 0].all()
    assert thirds(np.zeros(0)).shape == (0, 3)


def planted(seed: int, n: int = 600) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Four features, and whether the model's label is right: 95 %, but 55 % with feature 0."""
    rng = np.random.default_rng(seed)
    features = rng.random((n, 4)) < 0.4
    return features, rng.random(n) < np.where(features[:, 0], 0.55, 0.95)


def test_the_feature_on_which_models_err_is_learnt_and_believed() -> None:
    features, right = planted(0)
    noise = np.random.default_rng(1)

    def performance(mix: NDArray[np.bool_]) -> float:
        return float((right | mix).mean() + noise.normal(scale=0.005))

    mixes = random_mixes(features, 300, 0)
    assert {int(mix.sum()) for mix in mixes} <= set(range(1, 601))
    found = learn_gains(features, mixes, performance)
    assert found.coefficients.argmax() == SAFETY
    assert found.r2 > 0.8


def test_learnt_routing_beats_random_routing_at_the_same_budget() -> None:
    better: list[float] = []
    for seed in range(8):
        features, right = planted(seed)

        def performance(mix: NDArray[np.bool_], right: NDArray[np.bool_] = right) -> float:
            return float((right | mix).mean())

        found = learn_gains(features, random_mixes(features, 100, seed), performance)
        chosen = route(gains(features, found.coefficients), [f"{i:04}" for i in range(600)], 150)
        routed, random = np.zeros(600, bool), np.zeros(600, bool)
        routed[chosen] = True
        random[np.random.default_rng(seed).choice(600, 150, replace=False)] = True
        better.append(performance(routed) - performance(random))
    half = 1.96 * np.std(better, ddof=1) / np.sqrt(8)
    assert np.mean(better) - half > 0.03


def test_few_mixes_say_nothing_of_how_far_they_can_be_believed() -> None:
    features, right = planted(2)
    found = learn_gains(features, random_mixes(features, 5, 0), lambda mix: (right | mix).mean())
    assert np.isnan(found.r2)
    assert random_mixes(np.zeros((0, 4), bool), 5, 0) == []
