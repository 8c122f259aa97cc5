from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from curation.selectors import Pool
from curation.selectors.bias_budget import BiasBudget
from curation.selectors.kmeans_coverage import KmeansCoverage, kmeans
from curation.selectors.quota import Quota
from curation.selectors.strata import allotted, banded_by
from curation.selectors.stratified import Stratified
from tests.curation.selectors.clusters import clustered, pool_of


def labelled(classes: str, **scores: list[float]) -> Pool:
    columns = {name: np.array(values, np.float64) for name, values in scores.items()}
    return replace(pool_of(np.eye(len(classes)), **columns), fields={"source": list(classes)})


@pytest.mark.parametrize(
    ("sizes", "k", "seats"),
    [([6, 3, 1], 10, [6, 3, 1]), ([6, 3, 1], 5, [3, 2, 0]), ([50, 30, 20], 7, [4, 2, 1]),
     ([1, 1, 1], 2, [1, 1, 0]), ([5, 5], 0, [0, 0]), ([], 3, [])],
)  # fmt: skip
def test_seats_go_by_the_largest_remainder(sizes: list[int], k: int, seats: list[int]) -> None:
    limits = np.array(sizes, np.int64)
    assert allotted(limits, k, limits).tolist() == seats


@given(st.lists(st.integers(0, 9), max_size=8), st.integers(-2, 60), st.booleans())
def test_all_seats_are_given_within_the_limits(sizes: list[int], k: int, equal: bool) -> None:
    limits = np.array(sizes, np.int64)
    seats = allotted(np.minimum(limits, 1) if equal else limits, k, limits)
    assert seats.sum() == min(max(k, 0), limits.sum())
    assert (seats <= limits).all()


def test_equal_values_share_a_band_and_missing_ones_have_none() -> None:
    values = np.array([0, 0, 0, 1, 2, 3, 4, 5, np.nan, 6])
    assert banded_by(values, 3) == ["0", "0", "0", "1", "1", "1", "2", "2", "", "2"]


def test_a_stratified_subset_has_the_shares_of_its_pool() -> None:
    pool = labelled("aaaaaabbbc", margin=[float(i) for i in range(10)])
    found = Stratified(term="margin").select(pool, 5)
    assert sorted(found.order.tolist()) == [3, 4, 5, 7, 8]
    assert found.order.tolist() == [8, 7, 5, 4, 3]
    assert found.objective == 27
    equal = Stratified(term="margin", allocation="equal").select(pool, 6)
    assert Counter(pool.fields["source"][i] for i in equal.order) == {"a": 3, "b": 2, "c": 1}


def test_a_stratified_draw_is_uniform_within_a_class() -> None:
    pool, drawn = labelled("aaaabb"), np.zeros(6)
    for seed in range(2000):
        drawn[Stratified().select(pool, 3, seed).order] += 1
    assert drawn == pytest.approx(1000, abs=5 * np.sqrt(500))


def test_bands_of_a_term_are_a_class_like_any_other() -> None:
    pool = pool_of(np.eye(8), margin=np.arange(8.0), length=np.array([1.0] * 4 + [9.0] * 4))
    found = Stratified(fields=(), banded=("length",), bands=2, term="margin").select(pool, 4)
    assert sorted(found.order.tolist()) == [2, 3, 6, 7]


def test_a_field_that_the_pool_lacks_is_recorded() -> None:
    found = Stratified(fields=("language",)).select(labelled("ab"), 1)
    assert found.degraded == ("field language",)


def test_no_class_has_more_than_its_quota() -> None:
    pool = labelled("aaaabb", margin=[9.0, 8, 7, 6, 5, 4])
    found = Quota(shares={"a": 0.5}).select(pool, 4)
    assert found.order.tolist() == [0, 1, 4, 5]
    assert list(found.reasons)[2:4] == ["quota_full"] * 2
    short = Quota(shares={"a": 0.25}, others=0.25).select(pool, 4)
    assert short.order.tolist() == [0, 4]


rows = st.lists(
    st.tuples(st.integers(-5, 5), st.sampled_from([-1.0, 0.0, 1.0])), min_size=1, max_size=8
)


@settings(max_examples=60, deadline=None)
@given(rows, st.integers(1, 8), st.sampled_from([0.0, 0.1, 0.25, 0.5]))
def test_a_balanced_subset_is_the_best_of_all_balanced_ones(
    rows: list[tuple[int, float]], k: int, tolerance: float
) -> None:
    worth, bias = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    selector = BiasBudget(bias="length", tolerance=tolerance)
    found = selector.select(pool_of(np.eye(len(rows)), margin=worth, length=bias), k)

    def fits(part: tuple[int, ...]) -> bool:
        away = abs(float(np.sign(bias[list(part)]).sum()) / 2)
        return away <= max(len(part) * tolerance, 0.5) + 1e-9

    for size in range(min(k, len(rows)), -1, -1):
        sums = [worth[list(p)].sum() for p in combinations(range(len(rows)), size) if fits(p)]
        if sums:
            assert len(found.order) == size
            assert fits(tuple(found.order.tolist()))
            assert found.objective == max(sums)
            return


def test_the_longer_answer_wins_half_of_the_time_in_every_band() -> None:
    rng = np.random.default_rng(0)
    length = rng.normal(0.5, 1, 2000)  # the longer one wins 69 %
    pool = pool_of(np.zeros((2000, 1)), margin=length + rng.normal(size=2000), length=length)
    assert (length > 0).mean() > 0.65
    free = BiasBudget(bias="length", tolerance=0.5).select(pool, 400)
    held = BiasBudget(bias="length", tolerance=0.02, bands=4).select(pool, 400)
    assert (length[free.order] > 0).mean() > 0.9
    assert len(held.order) == 400
    assert abs((length[held.order] > 0).mean() - 0.5) <= 0.02 + 1e-9
    bands = np.array(banded_by(np.abs(length), 4))
    for band in "0123":
        part = held.order[bands[held.order] == band]
        assert len(part) == 100
        assert abs((length[part] > 0).mean() - 0.5) <= 0.02 + 1e-9


def test_a_rate_that_no_subset_has_makes_it_smaller_and_says_why() -> None:
    pool = pool_of(np.eye(5), margin=np.arange(5.0), length=np.array([1.0, 1, 1, 1, -1]))
    found = BiasBudget(bias="length", tolerance=0).select(pool, 5)
    assert found.order.tolist() == [4, 3, 2]  # 2 of 3: half a pair is rounding
    assert list(found.reasons)[:2] == ["bias_budget"] * 2


def test_kmeans_is_as_good_as_that_of_scikit_learn() -> None:
    vectors = clustered(600, d=6, seed=5).astype(np.float32)
    ours = min(kmeans(vectors, 20, 100, seed).squared.sum() for seed in range(5))
    peers = (KMeans(20, random_state=seed).fit(vectors) for seed in range(5))
    theirs = min(-float(peer.score(vectors)) for peer in peers)
    assert ours <= 1.03 * theirs


def test_each_cluster_gives_the_pair_nearest_to_its_centre() -> None:
    centres = np.eye(4)
    vectors = np.repeat(centres, 5, axis=0)
    vectors += np.random.default_rng(0).normal(size=vectors.shape) * np.tile(
        [[0.2], [0.1], [0.001], [0.2], [0.1]], (4, 1)
    )
    found = KmeansCoverage().select(pool_of(vectors), 4)
    assert sorted(row // 5 for row in found.order.tolist()) == [0, 1, 2, 3]
    few = KmeansCoverage(clusters=4).select(pool_of(vectors), 8)
    assert Counter(row // 5 for row in few.order.tolist()) == {0: 2, 1: 2, 2: 2, 3: 2}


@pytest.mark.parametrize("vectors", [np.ones((6, 3)), np.zeros((6, 3))], ids=["equal", "zero"])
def test_equal_vectors_fill_the_budget_by_id(vectors: np.ndarray) -> None:
    found = KmeansCoverage().select(pool_of(vectors), 4)
    assert found.order.tolist() == [0, 1, 2, 3]
    assert found.objective == 0
