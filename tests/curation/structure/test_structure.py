"""A02–A05, D02, D03: worked numbers, planted truths, nulls and invariances."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from curation.items import Floats
from curation.structure.cycles import hodge_rank, triads
from curation.structure.discretion import discrepancy, discretion
from curation.structure.factors import factors
from curation.structure.groups import like_minded
from curation.structure.homogeneity import coverage, homogeneity
from curation.structure.protocols import consistency

NAMES = ["length", "lists", "refusal", "noise", "constant"]


@pytest.mark.parametrize(
    ("flow", "share"), [([1, 1, -1], 1.0), ([1, 1, 2], 0.0), ([1, 1, 1], 1 / 9)]
)
def test_the_worked_cyclic_shares(flow: list[float], share: float) -> None:
    a, b = np.array([0, 1, 0]), np.array([1, 2, 2])
    assert hodge_rank(a, b, np.array(flow)).cyclic_share == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize("planted", [0.0, 0.25, 0.5, 1.0])
def test_planted_cycles_are_recovered(planted: float) -> None:
    rng = np.random.default_rng(0)
    cyclic = np.arange(200) < 200 * planted
    a = np.concatenate([[3 * i, 3 * i + 1, 3 * i] for i in range(200)])
    b = np.concatenate([[3 * i + 1, 3 * i + 2, 3 * i + 2] for i in range(200)])
    flow = np.concatenate([[1, 1, -1.0] if each else [1, 1, 2.0] for each in cyclic])
    size = np.where(np.repeat(cyclic, 3), 1 / 3, 1 / 6)  # equal energy of both kinds
    order = rng.permutation(len(a))
    found = hodge_rank(a[order], b[order], flow[order], size[order])
    assert found.cyclic_share == pytest.approx(planted, abs=0.05)
    said = np.sign(flow).astype(np.int64)
    assert triads(a, b, said).cycles == cyclic.sum()


def test_no_comparisons_no_cycles() -> None:
    none = np.zeros(0, np.int64)
    assert hodge_rank(none, none, np.zeros(0)).cyclic_share == 0
    assert triads(none, none, none).inconsistent_share == 0


def test_ties_that_fit_no_weak_order_are_seen() -> None:
    a, b = np.array([0, 1, 0]), np.array([1, 2, 2])
    assert triads(a, b, np.array([0, 0, 1])).inconsistent == 1
    assert triads(a, b, np.array([0, 1, 1])).inconsistent == 0


def test_the_worked_consistency_of_protocols() -> None:
    table = [(0, 0)] * 30 + [(1, 1)] * 120 + [(2, 2)] * 90 + [(0, 1)] * 160
    gap = {0: 1.0, 1: -1.0, 2: 0.0}
    rated = np.array([gap[derived] for derived, _ in table])
    found = consistency(rated, np.zeros(len(table)), np.array([said for _, said in table]))
    assert found.consistent == pytest.approx(0.6)
    assert found.consistent_decided == pytest.approx(150 / 310)
    with pytest.raises(ValueError, match="missing"):
        consistency(np.array([np.nan]), np.zeros(1), np.array([0]))


def test_the_worked_discretion() -> None:
    principles = np.array([[1, 1, 0], [1, -1, 0], [0, 0, 0]])
    found = discretion(principles, np.array([-1, 1, 1]))
    assert found.consensus.tolist() == [True, False, False]
    assert found.conflict.tolist() == [False, True, False]
    assert found.indifferent.tolist() == [False, False, True]
    assert found.arbitrariness == 1.0
    assert (found.supremacy[0, 1], found.supremacy[1, 0]) == (1.0, 0.0)
    order = np.array([[np.nan, 0.9, 0.8], [0.1, np.nan, 0.7], [0.2, 0.3, np.nan]])
    assert discrepancy(order, order) == pytest.approx(0)
    assert discrepancy(order, 1 - order) == pytest.approx(2)


def planted(seed: int, n: int = 3000) -> tuple[Floats, NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, len(NAMES))) * [1, 3, 1, 1, 0]
    return x, rng.random(n) < 1 / (1 + np.exp(-(0.8 * x[:, 0] - 0.1 * x[:, 1])))


def test_planted_factors_come_first_with_their_size_and_sign() -> None:
    x, better = planted(0)
    found = factors(NAMES, x, better)
    by_name = {factor.name: factor for factor in found}
    assert found[0].name == "length"
    assert by_name["length"].low < 0.8 < by_name["length"].high
    assert by_name["lists"].low < -0.3 < by_name["lists"].high
    assert by_name["length"].p_value < 0.01
    assert by_name["noise"].p_value > 0.05
    assert (by_name["constant"].coefficient, by_name["constant"].p_value) == (0, 1)


def test_under_coins_nothing_is_found() -> None:
    x, _ = planted(1)
    least = [
        min(f.p_value for f in factors(NAMES, x, coins(seed), permutations=100, seed=seed))
        for seed in range(40)
    ]
    assert np.mean(np.array(least) < 0.05) <= 0.15


def coins(seed: int) -> NDArray[np.bool_]:
    return np.random.default_rng(1000 + seed).random(3000) < 0.5


def test_intervals_cover_the_planted_effect() -> None:
    inside = 0
    for seed in range(100):
        x, better = planted(seed, 1000)
        length = {f.name: f for f in factors(NAMES, x, better, permutations=1)}["length"]
        inside += length.low <= 0.8 * float(np.sqrt((x[:, 0] ** 2).mean())) <= length.high
    assert 90 <= inside <= 99


def test_exchanging_a_and_b_changes_no_factor() -> None:
    x, better = planted(2)
    turn = np.random.default_rng(0).random(len(x)) < 0.5
    turned = factors(NAMES, np.where(turn[:, None], -x, x), better ^ turn)
    for one, other in zip(factors(NAMES, x, better), turned, strict=True):
        assert one.name == other.name
        assert one.coefficient == pytest.approx(other.coefficient)


@pytest.mark.parametrize("seed", range(3))
def test_two_opposite_minds_are_told_apart_with_twenty_labels_each(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = (np.arange(100) >= 80).astype(int)
    taste = np.array([2.0, 1, 0, 0, 0])
    who = np.repeat(np.arange(100), 20)
    x = rng.normal(size=(2000, 5))
    utility = x @ taste * np.where(truth[who], -1, 1)
    better = rng.random(2000) < 1 / (1 + np.exp(-2 * utility))
    found = like_minded(x, who, better, seed=seed)
    assert len(found) == 2
    assert adjusted_rand_score(truth, found.of) >= 0.9
    assert np.bincount(found.of)[0] >= 75
    assert found.accuracy.min() > 0.8


def test_one_mind_is_one_group() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 3))
    better = rng.random(2000) < 1 / (1 + np.exp(-2 * x[:, 0]))
    assert len(like_minded(x, np.repeat(np.arange(100), 20), better)) == 1


def test_candidates_that_say_the_same() -> None:
    prompts = np.array([7, 7, 3, 3, 5])
    vectors = np.array([[1.0, 0], [2, 0], [1, 0], [0, 1], [1, 1]])
    found = homogeneity(prompts, vectors)
    assert found.prompts.tolist() == [3, 5, 7]
    assert found.mean_cosine == pytest.approx([0, np.nan, 1], nan_ok=True)
    assert coverage(prompts, np.array([0, 1, 2, -1, -1]), 4).tolist() == [0.25, 0, 0.5]
