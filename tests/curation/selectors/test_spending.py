"""A limit in tokens: never above it, near it, and the best first."""

from itertools import pairwise

import numpy as np
import pytest

from curation.selectors import Pool
from curation.selectors.selector import Selection
from curation.selectors.spending import spend
from curation.selectors.stratified import Stratified
from curation.selectors.top import Top


def pool(n: int, seed: int = 0) -> Pool:
    ids = [f"{i:04}" for i in range(n)]
    margin = np.random.default_rng(seed).normal(size=n)
    sources = ["a" if i % 4 else "b" for i in range(n)]
    return Pool(ids, ids, ids, {"margin": margin}, fields={"source": sources})


@pytest.mark.parametrize("limit", [1, 50, 1000, 7_777, 10**9])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_is_kept_fits_and_leaves_less_than_a_mean_pair(limit: int, seed: int) -> None:
    everyone = pool(300, seed)
    costs = np.random.default_rng(seed + 9).integers(5, 120, 300)
    found = spend(lambda k: Top().select(everyone, k, seed), costs, limit)
    assert found.used == costs[found.selection.order].sum() <= limit
    assert found.used == costs.sum() or limit - found.used <= costs.mean()
    kept = {i for i, reason in enumerate(found.selection.reasons) if reason == "selected"}
    assert kept == set(found.selection.order.tolist())


def test_pairs_of_one_cost_are_those_of_a_count() -> None:
    everyone = pool(100)
    counted = Top().select(everyone, 30, 0)
    found = spend(lambda k: Top().select(everyone, k, 0), [10] * 100, 309)
    assert found.selection.order.tolist() == counted.order.tolist()
    assert list(found.selection.reasons) == list(counted.reasons)
    assert found.used == 300


def test_a_pair_too_long_is_passed_over_and_the_next_best_are_kept() -> None:
    everyone = Pool(
        ["a", "b", "c"], ["a", "b", "c"], ["a", "b", "c"], {"margin": np.array([3, 2, 1.0])}
    )
    found = spend(lambda k: Top().select(everyone, k, 0), [100, 4, 5], 10)
    assert found.selection.order.tolist() == [1, 2]
    assert found.selection.reasons[0] == "over_budget"


def test_more_tokens_never_buy_less() -> None:
    everyone, costs = pool(200), np.arange(200) % 37 + 3
    used = [
        spend(lambda k: Top().select(everyone, k, 0), costs, limit).used
        for limit in range(0, 4000, 400)
    ]
    assert all(before <= after for before, after in pairwise(used))


def test_seats_are_shared_out_for_what_is_kept_not_for_what_was_tried() -> None:
    """Pairs of class b cost ten times as much, and still have their quarter of the seats."""
    everyone = pool(400)
    costs = [10 if name == "a" else 100 for name in everyone.fields["source"]]
    recipe = Stratified(term="margin")
    found = spend(lambda k: recipe.select(everyone, k, 0), costs, 3250)
    kept = [everyone.fields["source"][row] for row in found.selection.order.tolist()]
    assert abs(kept.count("b") / len(kept) - 0.25) < 0.05
    assert 3100 <= found.used <= 3250


def test_a_selector_that_has_no_more_ends_the_search() -> None:
    calls: list[int] = []

    def few(k: int) -> Selection:
        calls.append(k)
        return Top().select(pool(50).take(np.arange(50)), min(k, 5), 0)

    found = spend(few, [1] * 50, 40)
    assert len(found.selection.order) == 5
    assert len(calls) <= 3


def test_nothing_is_kept_of_nothing() -> None:
    found = spend(lambda k: Top().select(pool(0), k, 0), [], 100)
    assert (found.used, len(found.selection.order)) == (0, 0)
