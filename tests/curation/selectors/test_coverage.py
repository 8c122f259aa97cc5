from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from curation.selectors import Pool, Selector
from curation.selectors.deita_repr_filter import DeitaReprFilter
from curation.selectors.dpp_greedy_map import DppGreedyMap
from curation.selectors.facility_location import FacilityLocation
from curation.selectors.information_gain import InformationGain
from curation.selectors.k_center import KCenter
from curation.selectors.mmr import Mmr
from tests.curation.selectors.clusters import clustered, pool_of

Vectors = NDArray[np.float64]
Value = Callable[[Vectors, Sequence[int]], float]
GUARANTEE = 1 - 1 / np.e


def served(vectors: Vectors, kept: Sequence[int]) -> float:
    return float(np.maximum(vectors @ vectors[list(kept)].T, 0).max(axis=1).sum())


def radius(vectors: Vectors, kept: Sequence[int]) -> float:
    away = np.linalg.norm(vectors[:, None] - vectors[None, list(kept)], axis=2)
    return float(away.min(axis=1).max())


def told(vectors: Vectors, kept: Sequence[int]) -> float:
    v = vectors[list(kept)]
    return 0.5 * float(np.linalg.slogdet(np.eye(v.shape[1]) + v.T @ v / 0.1)[1])


def volume(vectors: Vectors, kept: Sequence[int]) -> float:
    v = vectors[list(kept)]
    return float(np.linalg.slogdet(v @ v.T + 0.01 * np.eye(len(v)))[1])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("selector", "value"), [(FacilityLocation(), served), (InformationGain(), told)]
)
def test_greedy_is_within_its_guarantee_and_its_bound_holds(
    selector: Selector, value: Value, seed: int
) -> None:
    vectors = clustered(12, d=3, seed=seed, clusters=4)
    found = selector.select(pool_of(vectors), 4)
    best = max(value(vectors, kept) for kept in combinations(range(12), 4))
    assert found.objective == pytest.approx(value(vectors, found.order.tolist()), abs=1e-4)
    assert GUARANTEE * best <= found.objective <= best + 1e-4
    assert found.bound is not None
    assert best <= found.bound + 1e-4


@pytest.mark.parametrize("seed", range(4))
def test_the_centers_are_within_twice_the_best_radius(seed: int) -> None:
    vectors = clustered(12, d=3, seed=seed, clusters=4)
    found = KCenter().select(pool_of(vectors), 4)
    best = min(radius(vectors, kept) for kept in combinations(range(12), 4))
    assert -found.objective == pytest.approx(radius(vectors, found.order.tolist()), abs=1e-3)
    assert best <= -found.objective <= 2 * best + 1e-3
    assert found.bound is not None
    assert -found.bound <= best + 1e-3


@pytest.mark.parametrize(
    ("selector", "value"),
    [(FacilityLocation(), served), (InformationGain(), told), (DppGreedyMap(), volume)],
)
def test_each_pick_is_the_best_next_one(selector: Selector, value: Value) -> None:
    vectors = clustered(60, d=5, seed=7)
    found = selector.select(pool_of(vectors), 12).order.tolist()
    for t in range(12):
        gains = {i: value(vectors, [*found[:t], i]) for i in range(60) if i not in found[:t]}
        assert gains[found[t]] == pytest.approx(max(gains.values()), abs=1e-5)


def test_every_center_is_the_farthest_from_those_before() -> None:
    vectors = clustered(80, d=5, seed=8)
    found = KCenter().select(pool_of(vectors), 10)
    order = found.order.tolist()
    middle = np.linalg.norm(vectors - vectors.mean(axis=0), axis=1)
    assert order[0] == int(middle.argmin())
    for t in range(1, 10):
        away = np.linalg.norm(vectors[:, None] - vectors[None, order[:t]], axis=2).min(axis=1)
        assert away[order[t]] == pytest.approx(away.max(), abs=1e-3)
        assert found.importance[order[t]] == pytest.approx(away.max(), abs=1e-3)


def test_mmr_is_its_definition() -> None:
    vectors, margin = clustered(50, d=4, seed=9), np.random.default_rng(1).normal(size=50)
    found = Mmr(weight=0.7).select(pool_of(vectors, margin=margin), 15).order.tolist()
    own = 0.7 * (margin - margin.min()) / np.ptp(margin)
    expected = [int(own.argmax())]
    while len(expected) < 15:
        value = own - 0.3 * (vectors @ vectors[expected].T).max(axis=1)
        value[expected] = -np.inf
        expected.append(int(value.argmax()))
    assert found == expected


def test_relevance_alone_is_the_top_and_similarity_alone_spreads() -> None:
    vectors = np.array([[1.0, 0], [1, 0.01], [0, 1], [0.7, 0.7]])
    pool = pool_of(vectors, margin=np.array([4.0, 3, 2, 1]))
    assert Mmr(weight=1).select(pool, 3).order.tolist() == [0, 1, 2]
    assert Mmr(weight=0).select(pool, 2).order.tolist() == [0, 2]


def test_two_kernels_of_one_determinant_take_the_same_pairs() -> None:
    vectors = clustered(300, d=12, seed=10)
    dual = DppGreedyMap(ridge=0.1).select(pool_of(vectors), 60)
    primal = InformationGain(ridge=0.1).select(pool_of(vectors), 60)
    assert dual.order.tolist() == primal.order.tolist()
    assert dual.objective == pytest.approx(2 * primal.objective + 60 * np.log(0.1), abs=1e-3)


def test_a_process_without_correlations_takes_the_best() -> None:
    pool = pool_of(np.eye(6), quality=np.array([1.0, 5, 2, 4, 0, 3]))
    found = DppGreedyMap(quality="quality").select(pool, 3)
    assert found.order.tolist() == [1, 3, 5]
    logs = np.log(1.01) + 2 * np.array([1, 0.8, 0.6])
    assert found.importance[found.order] == pytest.approx(logs, abs=1e-6)


def test_more_pairs_than_dimensions_can_be_kept() -> None:
    for selector in (DppGreedyMap(), InformationGain(), KCenter(), FacilityLocation()):
        found = selector.select(pool_of(clustered(40, d=3, seed=4)), 30)
        assert len(found.order) == 30
        assert np.isfinite(found.importance).all()


def test_the_graph_of_all_neighbors_is_the_dense_form() -> None:
    vectors = clustered(200, d=6, seed=11)
    dense = FacilityLocation().select(pool_of(vectors), 25)
    sparse = FacilityLocation(exact_up_to=0, neighbors=199).select(pool_of(vectors), 25)
    assert sparse.objective == pytest.approx(dense.objective, rel=1e-5)
    assert sparse.order.tolist()[:10] == dense.order.tolist()[:10]


def test_a_sparse_graph_loses_little() -> None:
    vectors = clustered(1500, d=8, seed=12, clusters=60)
    dense = FacilityLocation().select(pool_of(vectors), 150)
    sparse = FacilityLocation(exact_up_to=0).select(pool_of(vectors), 150)
    assert served(vectors, sparse.order.tolist()) >= 0.99 * dense.objective
    assert sparse.objective <= served(vectors, sparse.order.tolist()) + 1e-3
    assert sparse.bound is not None
    assert sparse.objective <= sparse.bound


def test_a_sparse_graph_serves_zero_vectors_by_nothing() -> None:
    vectors = np.vstack([clustered(20, d=4, seed=1), np.zeros((3, 4))])
    found = FacilityLocation(exact_up_to=0, neighbors=5).select(pool_of(vectors), 23)
    assert found.order.tolist()[-3:] == [20, 21, 22]
    assert found.importance[20:].tolist() == [0, 0, 0]


SPATIAL = [FacilityLocation(), FacilityLocation(exact_up_to=0), KCenter(), DppGreedyMap(),
           InformationGain(), Mmr(), DeitaReprFilter()]  # fmt: skip


@pytest.mark.parametrize("selector", SPATIAL, ids=repr)
@pytest.mark.parametrize("vectors", [np.ones((6, 3)), np.zeros((6, 3))], ids=["equal", "zero"])
def test_degenerate_vectors_give_finite_numbers_and_the_first_ids(
    selector: Selector, vectors: Vectors
) -> None:
    found = selector.select(pool_of(vectors, margin=np.zeros(6), quality=np.zeros(6)), 4)
    assert found.order.tolist() == list(range(len(found.order)))
    assert np.isfinite(found.importance).all()
    assert np.isfinite(found.objective)


@pytest.mark.parametrize("selector", SPATIAL, ids=repr)
def test_other_names_in_the_same_order_change_nothing(selector: Selector) -> None:
    vectors = clustered(60, d=5, seed=13)
    worth = np.random.default_rng(0).random(60)
    pool = pool_of(vectors, margin=worth, quality=worth)
    names = [f"other-{name}" for name in pool.ids]
    renamed = Pool(names, names, names, pool.scores, vectors)
    assert (selector.select(pool, 20).order == selector.select(renamed, 20).order).all()


@pytest.mark.parametrize("selector", SPATIAL, ids=repr)
def test_a_duplicate_of_a_kept_pair_adds_nothing(selector: Selector) -> None:
    vectors = clustered(30, d=5, seed=14)
    worth = np.linspace(0.5, 1, 30)
    once = selector.select(pool_of(vectors, margin=worth, quality=worth), 8)
    twice = np.vstack([vectors, vectors])
    names = [f"{i:06}" for i in range(60)]
    contents = names[:30] * 2
    doubled = Pool(
        names, names, contents, {t: np.tile(worth, 2) for t in ("margin", "quality")}, twice
    )
    again = selector.select(doubled, 8)
    assert again.order.tolist() == once.order.tolist()
