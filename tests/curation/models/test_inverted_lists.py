import numpy as np
import pytest

from curation.items import Prompts, View
from curation.models.inverted_lists import InvertedLists
from curation.models.neighbors import nearest
from curation.signals.knn_novelty import KnnNovelty


def around(n: int, seed: int = 0) -> np.ndarray:
    """Unit vectors around centres, as texts of some topics lie."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(20, 16))[rng.integers(0, 20, n)] + 0.4 * rng.normal(size=(n, 16))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def test_with_every_list_read_it_is_the_exact_search() -> None:
    x, own = around(400), np.arange(400)
    lists = InvertedLists(x, probes=1000)
    mine, exact = lists.nearest(x, 5, own), nearest(x, x, 5, own, "cpu")
    np.testing.assert_allclose(mine.distances, exact.distances, atol=1e-3)
    assert (mine.rows == exact.rows).mean() > 0.98  # half precision orders the nearly equal
    assert lists.recall(5) > 0.98


def test_the_recall_it_tells_is_that_of_all_queries() -> None:
    x, own = around(3000), np.arange(3000)
    for probes, low, high in ((1, 0.2, 0.9), (24, 0.9, 1.0)):
        lists = InvertedLists(x, probes=probes)
        mine, exact = lists.nearest(x, 5, own), nearest(x, x, 5, own, "cpu")
        shared = (mine.rows[:, :, None] == exact.rows[:, None]).any(axis=2).mean()
        assert low < shared <= high
        assert abs(lists.recall(5) - shared) < 0.05


@pytest.mark.parametrize("count", [0, 1, 3])
def test_few_vectors(count: int) -> None:
    x = around(5)[:count]
    if count == 0:
        assert KnnNovelty(exact_up_to=0).search(x)(x, None).rows.shape == (0, 0)
        return
    found = InvertedLists(x).nearest(x, 5, np.arange(count))
    assert found.rows.shape == (count, count - 1)
    assert np.isfinite(found.distances).all()


def test_equal_vectors_are_neighbours_at_no_distance() -> None:
    x = np.repeat(around(30), 10, axis=0)
    found = InvertedLists(x).nearest(x, 5, np.arange(len(x)))
    assert found.distances.max() < 1e-6
    assert (found.rows != np.arange(len(x))[:, None]).all()


def test_the_novelty_of_many_prompts_is_nearly_that_of_few_and_says_how_nearly() -> None:
    x = around(1500)
    names = [f"{i:05}" for i in range(len(x))]
    items = Prompts(names, names, {View.prompt: x})
    exact, many = KnnNovelty(device="cpu"), KnnNovelty(device="cpu", exact_up_to=1000)
    fit = many.fit(items)
    assert "recall" not in exact.fit(items).metrics
    assert 0.9 < fit.metrics["recall"] <= 1
    mine = many.score(items, fit).columns["log_distance"].values
    true = exact.score(items, exact.fit(items)).columns["log_distance"].values
    assert (mine >= true - 1e-4).all()
    assert np.abs(mine - true).mean() < 0.01
