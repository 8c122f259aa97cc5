"""Neighbours by rounded products are those of a double loop."""

import tracemalloc

import numpy as np
import pytest

from curation.models import half_products, neighbors
from curation.models.closeness import close
from curation.models.half_products import Halves, fits
from curation.models.neighbors import by_products, nearest


def unit(n: int, d: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(20, d))[rng.integers(0, 20, n)] + 0.6 * rng.normal(size=(n, d))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("keys", [64, 192, 8192])
def test_agrees_with_all_distances(keys: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half_products, "KEYS", keys)
    monkeypatch.setattr(half_products, "QUERIES", 300)
    monkeypatch.setattr(neighbors, "QUERIES", 300)
    x, k = unit(1000, 32, 0), 7
    found = by_products(x, x, k, k + 1, np.arange(1000))
    away = np.sqrt(np.maximum(2 - 2 * x.astype(np.float64) @ x.T.astype(np.float64), 0))
    np.fill_diagonal(away, np.inf)
    np.testing.assert_allclose(found.distances, np.sort(away, axis=1)[:, :k], atol=1e-5)
    assert (found.rows != np.arange(1000)[:, None]).all()
    others = by_products(x[:10], x, k, k, np.full(10, -1))
    assert others.rows[:, 0].tolist() == list(range(10))


def test_many_copies_of_one_vector_are_still_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half_products, "CROWDED", 100)
    x = np.concatenate([unit(500, 16, 1), np.repeat(unit(1, 16, 2), 500, axis=0)])
    assert Halves(x).largest(x[500:], 4).crowded
    found = by_products(x, x, 3, 4, np.arange(1000))
    assert (found.distances[500:] < 1e-6).all()
    assert (found.rows[500:] >= 500).all()


def test_only_unit_vectors_are_taken() -> None:
    x = unit(5000, 16, 3)
    assert fits(x, x, 5) == half_products.computes_bfloat16(half_products.torch.device("cpu"))
    assert not fits(2 * x, x, 5)
    assert not fits(x, 2 * x, 5)
    assert not fits(x, x[:100], 5)
    assert not fits(x, x, 1000)
    doubled = nearest(2 * x[:5], 2 * x, 3, np.arange(5), "cpu")
    np.testing.assert_allclose(
        doubled.distances, 2 * nearest(x[:5], x, 3, np.arange(5), "cpu").distances, atol=1e-5
    )


@pytest.mark.parametrize("least", [10, 10_000])
def test_close_vectors_are_joined_by_either_way(
    least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(half_products, "LEAST_KEYS", least)
    x = unit(300, 16, 4)
    cosines = x @ x.T >= 0.9
    labels = np.arange(300)
    for _ in range(300):  # the lowest row that a chain leads to
        labels = np.where(cosines, labels[None, :], 300).min(axis=1)
    assert close(x, 0.9).tolist() == labels.tolist()
    assert len(set(labels.tolist())) < 300
    assert close(x[:0], 0.9).tolist() == []


def test_many_near_copies_take_little_memory() -> None:
    """1,200 copies are 700,000 hits of 1,024 queries: 3 GB of vectors, were they all held."""
    x = np.repeat(unit(1, 512, 5), 1200, axis=0)
    close(x[:2], 0.9)  # loads what it needs
    tracemalloc.start()
    try:
        labels = close(x, 0.9)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert set(labels.tolist()) == {0}
    assert peak < 300e6
