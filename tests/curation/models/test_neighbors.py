import numpy as np
import pytest

from curation.models import neighbors
from curation.models.neighbors import nearest


def brute(queries: np.ndarray, index: np.ndarray, k: int, own: np.ndarray | None) -> np.ndarray:
    distances = np.linalg.norm(queries[:, None] - index[None], axis=2)
    if own is not None:
        distances[np.arange(len(own)), own] = np.inf
    return np.sort(distances, axis=1)[:, :k]


def unit(n: int, d: int = 8, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.mark.parametrize("block", [7, 1024])
def test_agrees_with_a_double_loop(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbors, "QUERY_BLOCK", block)
    x, own = unit(50), np.arange(50)
    np.testing.assert_allclose(
        nearest(x, x, 5, own, "cpu").distances, brute(x, x, 5, own), atol=1e-5
    )
    others = unit(9, seed=1)
    np.testing.assert_allclose(
        nearest(others, x, 5, None, "cpu").distances, brute(others, x, 5, None), atol=1e-5
    )


def test_fewer_neighbours_than_asked_for() -> None:
    x = unit(4)
    found = nearest(x, x, 10, np.arange(4), "cpu")
    assert found.distances.shape == found.rows.shape == (4, 3)
    assert (found.rows != np.arange(4)[:, None]).all()
    assert nearest(x[:1], x[:1], 3, np.arange(1), "cpu").rows.shape == (1, 0)
    assert nearest(x[:0], x, 3, None, "cpu").rows.shape == (0, 0)


def test_duplicates_are_neighbours_at_distance_zero_and_never_oneself() -> None:
    x = np.repeat(unit(1), 6, axis=0)
    found = nearest(x, x, 3, np.arange(6), "cpu")
    assert (found.distances == 0).all()
    assert (found.rows != np.arange(6)[:, None]).all()


@pytest.mark.gpu
def test_the_gpu_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbors, "KEY_BLOCK", 64)
    x, own = unit(500), np.arange(500)
    expected = nearest(x, x, 5, own, "cpu")
    found = nearest(x, x, 5, own, "cuda")
    np.testing.assert_allclose(found.distances, expected.distances, atol=1e-4)
