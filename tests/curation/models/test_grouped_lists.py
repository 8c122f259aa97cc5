import numpy as np
import pytest

from curation.models.grouped_lists import GroupedLists, assigned, learnt
from curation.models.half_products import LEAST_KEYS
from curation.models.neighbors import nearest
from tests.curation.models.test_inverted_lists import around


@pytest.mark.parametrize("k", [5, 70])  # 70: more than rounded products are asked for
def test_with_every_list_read_it_is_the_exact_search(k: int) -> None:
    x, own = around(LEAST_KEYS + 500), np.arange(LEAST_KEYS + 500)
    asked = slice(0, None if k == 5 else 300)
    mine = GroupedLists(x, 40, probes=40, seed=0).nearest(x[asked], k, own[asked])
    exact = nearest(x[asked], x, k, own[asked], "cpu")
    np.testing.assert_allclose(mine.distances, exact.distances, atol=1e-5)
    assert (mine.rows == exact.rows).mean() > 0.999


def test_a_neighbour_that_is_found_is_one_and_few_are_missed() -> None:
    x, own = around(6000, seed=1), np.arange(6000)
    exact = nearest(x, x, 5, own, "cpu")
    for probes, low, high in ((1, 0.2, 0.95), (24, 0.97, 1.0)):
        mine = GroupedLists(x, 150, probes, seed=0).nearest(x, 5, own)
        away = np.linalg.norm(x[:, None] - x[mine.rows], axis=2)
        np.testing.assert_allclose(mine.distances, away, atol=1e-5)
        assert (np.diff(mine.distances, axis=1) >= 0).all()
        assert (mine.rows != own[:, None]).all()
        assert low < (mine.distances <= exact.distances[:, -1:] + 1e-6).mean() <= high


def test_a_query_that_the_index_does_not_hold_keeps_all_its_neighbours() -> None:
    x, others = around(LEAST_KEYS + 1, seed=2), around(200, seed=3)
    lists = GroupedLists(x, 30, probes=30, seed=0)
    mine, exact = (
        lists.nearest(others, 4, np.full(200, -1)),
        nearest(others, x, 4, device="cpu"),
    )
    np.testing.assert_allclose(mine.distances, exact.distances, atol=1e-5)
    long = lists.nearest(3 * others, 4, np.full(200, -1))  # not of length 1: by float32
    np.testing.assert_allclose(
        long.distances, nearest(3 * others, x, 4, device="cpu").distances, atol=1e-4
    )


def test_copies_of_one_vector_are_neighbours_at_no_distance() -> None:
    x = np.repeat(around(2, seed=4), [5000, 10], axis=0)
    found = GroupedLists(x, 8, probes=2, seed=0).nearest(x, 3, np.arange(len(x)))
    assert found.distances.max() < 1e-6
    assert (found.rows != np.arange(len(x))[:, None]).all()


def test_a_list_too_short_for_the_answer_is_searched_with_all_others() -> None:
    x = around(300, seed=5)
    found = GroupedLists(x, 200, probes=1, seed=0).nearest(x, 6, np.arange(300))
    assert found.rows.shape == (300, 6)
    assert np.isfinite(found.distances).all()


def test_centres_are_of_length_one_and_each_vector_is_nearest_to_its_own() -> None:
    x = around(2000, seed=6)
    centres = learnt(x, 50, np.random.default_rng(0))
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1, atol=1e-5)
    products = x @ centres.T
    own = products[np.arange(2000), assigned(x, centres)]
    assert (own >= products.max(axis=1) - 0.01).all()
