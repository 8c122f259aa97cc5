"""A sketch against counting: its bound, its exactness at bins, and that parts add up."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.thresholds.binning import bins_of, equal_mass
from curation.thresholds.quantities import PairColumns, known, quantity_names, total
from curation.thresholds.sketch import Sketch
from curation.thresholds.sweep import Side, kept, steps

NAMES = ("rows", "tokens")


def columns(seed: int, n: int, spread: int) -> tuple[Any, Any]:
    """Values in two fields with ties and gaps, and whole-numbered quantities."""
    rng = np.random.default_rng(seed)
    one = np.round(rng.standard_normal(n) * spread, 1)
    two = np.where(rng.random(n) < 0.3, 1.0, rng.random(n))
    one[rng.random(n) < 0.1] = np.nan
    return [one, two], np.stack([np.ones(n), rng.integers(1, 900, n)], axis=1)


def sketched(values: Any, table: Any, bins: int, fields: int = 1) -> Sketch:
    used = values[:fields]
    edges = [equal_mass(column, bins) for column in used]
    found = Sketch.empty(("one", "two")[:fields], edges, NAMES)
    found.add(used, table)
    return found


@given(
    st.integers(0, 10_000), st.integers(1, 400), st.sampled_from([1, 30]), st.integers(1, 40),
    st.sampled_from(["high", "low"]),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_kept_rows_are_within_the_bound_of_the_counted_ones(
    seed: int, n: int, spread: int, bins: int, side: Side
) -> None:
    (values, _), table = columns(seed, n, spread)
    found = sketched([values], table, bins)
    thresholds = np.linspace(-3.1 * spread, 3.1 * spread, 37)
    asked = kept(found, [thresholds], [side])
    own = table[~np.isnan(values)]
    assert found.bound <= max(len(own) // bins, 1)
    for at, threshold in enumerate(thresholds):
        inside = values >= threshold if side == "high" else values <= threshold
        exact = inside.sum()
        assert asked.least[at] <= exact <= asked.most[at]
        assert abs(asked.quantities[at, 0] - exact) <= found.bound
        if asked.least[at] == asked.most[at]:
            assert asked.quantities[at].tolist() == table[inside].sum(axis=0).tolist()


@given(st.integers(0, 10_000), st.integers(1, 300), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_two_thresholds_together_are_within_the_bound(seed: int, n: int, bins: int) -> None:
    values, table = columns(seed, n, 1)
    found = sketched(values, table, bins, 2)
    first, second = np.linspace(-2, 2, 7), np.linspace(-0.1, 1.1, 5)
    asked = kept(found, [first, second], ["high", "low"])
    for i, above in enumerate(first):
        for j, below in enumerate(second):
            exact = ((values[0] >= above) & (values[1] <= below)).sum()
            assert asked.least[i, j] <= exact <= asked.most[i, j]
            assert abs(asked.quantities[i, j, 0] - exact) <= found.bound


@given(st.integers(0, 10_000), st.integers(2, 300), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_the_sketches_of_two_parts_add_up_to_that_of_all(seed: int, n: int, bins: int) -> None:
    values, table = columns(seed, n, 3)
    edges = [equal_mass(column, bins) for column in values]
    part = np.random.default_rng(seed).random(n) < 0.5
    found: list[Sketch] = []
    for rows in (part, ~part, np.ones(n, np.bool_)):
        one = Sketch.empty(("one", "two"), edges, NAMES)
        one.add([column[rows] for column in values], table[rows])
        found.append(one)
    together = found[0] + found[1]
    assert together.sums.tolist() == found[2].sums.tolist()
    assert together.missing.tolist() == found[2].missing.tolist()
    for mine, whole in zip(together.ends, found[2].ends, strict=True):
        assert mine.lows.tolist() == whole.lows.tolist()
        assert mine.highs.tolist() == whole.highs.tolist()


def test_sketches_of_other_bins_can_not_be_added() -> None:
    values, table = columns(1, 50, 1)
    with pytest.raises(ValueError, match="bins"):
        assert sketched(values, table, 4) + sketched(values, table, 5)


def test_a_frequent_value_has_a_bin_of_its_own_and_is_never_cut() -> None:
    values = np.array([0.0] * 90 + [0.5, 0.6, 0.7] + [1.0] * 7)
    found = sketched([values], np.ones((100, 2)), 20)
    assert found.bound == 3
    asked = kept(found, [np.array([0.0, 1e-9, 1.0, 1.1])], ["high"])
    assert asked.quantities[:, 0].tolist() == [100, 10, 7, 0]
    assert asked.least.tolist() == asked.most.tolist()


def test_steps_keep_about_the_shares_that_were_asked_and_are_exact() -> None:
    values = np.random.default_rng(3).random(5000)
    found = sketched([values], np.ones((5000, 2)), 100)
    for side in ("high", "low"):
        at = steps(found, 0, np.linspace(1, 0.05, 20), side)
        asked = kept(found, [at], [side])
        assert asked.least.tolist() == asked.most.tolist()
        assert np.abs(asked.quantities[:, 0] / 5000 - np.linspace(1, 0.05, 20)).max() < 0.006


def test_rows_without_a_value_are_kept_by_no_threshold() -> None:
    values = np.array([np.nan, 1.0, np.nan])
    found = sketched([values], np.array([[1, 5], [1, 7], [1, 9]]), 4)
    assert kept(found, [np.array([-9.0])], ["high"]).quantities.tolist() == [[1, 7]]
    assert found.total.tolist() == [3, 21]
    assert found.missing.tolist() == [2, 14]
    nothing = sketched([np.full(3, np.nan)], np.ones((3, 2)), 4)
    assert nothing.bound == 0
    assert kept(nothing, [np.array([0.0])], ["high"]).quantities.tolist() == [[0, 0]]
    assert steps(nothing, 0, np.array([0.5]), "high").tolist() == []


def test_values_outside_the_edges_of_a_sample_are_still_counted_right() -> None:
    edges = equal_mass(np.array([0.0, 1.0, 2.0, 3.0]), 2)
    assert bins_of(np.array([-5.0, 0.5, 99.0]), edges).tolist() == [0, 0, 1]
    found = Sketch.empty(("one",), [edges], NAMES)
    found.add([np.array([-5.0, 0.5, 99.0])], np.ones((3, 2)))
    asked = kept(found, [np.array([-6.0, 50.0, 100.0])], ["high"])
    assert asked.quantities[:, 0].tolist() == [3, 1, 0]


def test_quantities_count_known_values_apart() -> None:
    rows = PairColumns(
        np.array([4.0, 6.0]), np.array([9.0, 2.0]), np.array([3.0, 2.0]), np.array([0, -1]),
        {"p": np.array([0.5, np.nan])}, {},
    )  # fmt: skip
    names = quantity_names(["p"], [], ["a.jsonl"])
    summed = dict(zip(names, rows.table(1).sum(axis=0).tolist(), strict=True))
    assert summed == {
        "rows": 2, "tokens": 10, "chosen longer": 1, "chosen shorter": 0, known("p"): 1,
        total("p"): 0.5, "source a.jsonl": 1,
    }  # fmt: skip


@pytest.mark.parametrize("side", ["high", "low"])
def test_infinite_and_huge_values_are_counted_within_the_bound(side: Side) -> None:
    rng = np.random.default_rng(7)
    for values in (
        np.append(rng.standard_normal(40), [np.inf, -np.inf]),
        rng.standard_normal(40) * 5e307,
        rng.choice([-np.inf, np.inf, 0, 1], 40),
    ):
        found = sketched([values], np.ones((len(values), 2)), 4)
        asked = kept(found, [np.linspace(-3, 3, 19)], [side])
        for at, threshold in enumerate(np.linspace(-3, 3, 19)):
            exact = (values >= threshold if side == "high" else values <= threshold).sum()
            assert asked.least[at] <= exact <= asked.most[at]
            assert abs(asked.quantities[at, 0] - exact) <= found.bound
