"""What holds for every selector that is found."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.selectors import SELECTORS, AnySelector, Pool, Selection, Selector
from curation.selectors.fifa import Fifa

VARIANTS = [
    *(kind.model_validate({}) for kind in SELECTORS.values()),
    Fifa(mode="greedy"),
    Fifa(normalise="rank"),
]
KNOWN = (
    "selected", "over_budget", "prompt_cap", "duplicate_pair", "missing:", "too_similar",
    "quota_full", "bias_budget", "gate:", "constraint:", "same_context", "not_near_an_error",
    "verified", "outside_band",
)  # fmt: skip
UNSELECTABLE = ("missing:", "gate:", "constraint:", "verified")
DRAWN = {"random", "stratified", "isa_sampler", "curriculum"}  # not by id where all are equal
every = pytest.mark.parametrize("selector", VARIANTS, ids=repr)
TERMS = ("margin", "quality", "novelty")


def make_pool(rows: Sequence[tuple[int, int, Sequence[float]]]) -> Pool:
    vectors = np.array([[np.cos(c), np.sin(c)] for _, c, _ in rows]).reshape(-1, 2)
    return Pool(
        [f"pair{i:03}" for i in range(len(rows))],
        [f"prompt{p}" for p, _, _ in rows],
        [f"texts{p}-{c}" for p, c, _ in rows],
        {term: np.array([values[i] for _, _, values in rows]) for i, term in enumerate(TERMS)},
        vectors,
        {"source": [f"source{p % 3}" for p, _, _ in rows]},
    )


def shuffled(pool: Pool, order: list[int]) -> Pool:
    assert pool.vectors is not None
    return Pool(
        [pool.ids[i] for i in order],
        [pool.prompt_ids[i] for i in order],
        [pool.content_ids[i] for i in order],
        {name: column[order] for name, column in pool.scores.items()},
        pool.vectors[order],
        {name: [column[i] for i in order] for name, column in pool.fields.items()},
    )


def kept(pool: Pool, selection: Selection) -> list[str]:
    rows: list[int] = selection.order.tolist()
    return [pool.ids[i] for i in rows]


value = st.one_of(st.sampled_from([0.0, 1.0, np.nan]), st.floats(-10, 10))
row = st.tuples(st.integers(0, 5), st.integers(0, 5), st.tuples(value, value, value))
pools = st.lists(row, max_size=25).map(lambda rows: make_pool(rows))


@every
@settings(max_examples=25, deadline=None)
@given(pool=pools, k=st.integers(-1, 30), data=st.data())
def test_a_selection_keeps_its_promises(
    selector: Selector, pool: Pool, k: int, data: st.DataObject
) -> None:
    found = selector.select(pool, k, seed=1)
    chosen = found.order.tolist()
    assert len(chosen) <= max(k, 0)
    assert len(set(chosen)) == len(chosen)
    assert len(found.reasons) == len(found.importance) == len(pool)
    assert all(reason.startswith(KNOWN) for reason in found.reasons)
    assert {i for i, reason in enumerate(found.reasons) if reason == "selected"} == set(chosen)
    missing = [reason.startswith(UNSELECTABLE) for reason in found.reasons]
    assert np.isnan(found.importance).tolist() == missing
    assert not np.isinf(found.importance).any()
    if len(chosen) < max(k, 0):  # a shortfall has reasons
        assert "over_budget" not in found.reasons
    order = data.draw(st.permutations(range(len(pool))))
    other = selector.select(shuffled(pool, order), k, seed=1)
    assert kept(shuffled(pool, order), other) == kept(pool, found)
    assert [other.reasons[order.index(i)] for i in range(len(pool))] == list(found.reasons)
    assert [other.ranks[order.index(i)] for i in range(len(pool))] == found.ranks.tolist()
    assert found.ranks[found.order].tolist() == list(range(1, len(chosen) + 1))
    assert sorted(found.ranks.tolist()) == list(range(1, len(pool) + 1))
    assert np.isfinite(found.objective)
    assert found.bound is None or found.objective <= found.bound + 1e-6 * abs(found.bound) + 1e-9
    assert (found.seed, found.seconds >= 0) == (1, True)


@every
def test_an_empty_pool_gives_an_empty_selection(selector: Selector) -> None:
    found = selector.select(make_pool([]), 3)
    assert len(found.order) == len(found.importance) == len(found.reasons) == 0


@every
def test_one_pair_is_selected(selector: Selector) -> None:
    assert selector.select(make_pool([(0, 0, [0.5, 0.5, 0.5])]), 3).order.tolist() == [0]


@every
def test_a_budget_of_none_selects_none(selector: Selector) -> None:
    found = selector.select(make_pool([(0, 0, [0.5] * 3), (1, 1, [0.7] * 3)]), 0)
    assert found.order.tolist() == []
    assert list(found.reasons) == ["over_budget"] * 2


@every
def test_a_budget_above_the_pool_selects_all_of_it(selector: Selector) -> None:
    pool = make_pool([(i, i, [i / 10, i / 10, (-1.0) ** i]) for i in range(6)])  # 1 rad apart
    assert sorted(selector.select(pool, 99).order.tolist()) == list(range(6))


@every
def test_equal_pairs_are_taken_by_id(selector: Selector) -> None:
    if selector.model_dump()["kind"] in DRAWN:
        return
    pool = make_pool([(i, 0, [0.5] * 3) for i in range(6)])
    found = kept(pool, selector.select(pool, 2))
    assert found == ["pair000", "pair001"][: len(found)]
    assert found


@every
def test_a_pool_without_any_score_is_taken_and_says_what_it_lacks(selector: Selector) -> None:
    pool = make_pool([(i, i, [np.nan] * 3) for i in range(5)])
    found = selector.select(pool, 2)
    assert len(found.order) == 2
    assert found.degraded == selector.terms()


@every
def test_the_same_seed_gives_the_same_ids(selector: Selector) -> None:
    pool = make_pool([(i, i, [float(i % 3)] * 3) for i in range(20)])
    assert kept(pool, selector.select(pool, 5, 3)) == kept(pool, selector.select(pool, 5, 3))


def test_the_selectors_of_this_release_are_found() -> None:
    assert {"fifa", "random", "top"} <= set(SELECTORS)
    assert AnySelector is not None
