"""What of a pool a subset covers."""

import numpy as np
import pytest

from curation.structure.coverage import neighbourhoods, spread


def test_counts_by_topic_and_what_a_random_subset_would_have() -> None:
    topics = np.array([0, 0, 0, 0, 1, 1, 2, -1])
    kept = np.array([1, 1, 0, 0, 1, 0, 0, 1], bool)
    found = spread(topics, kept)
    assert [(each.pool, each.kept) for each in found.topics] == [(4, 2), (2, 1), (1, 0)]
    np.testing.assert_allclose([each.expected for each in found.topics], [12 / 7, 6 / 7, 3 / 7])
    assert found.covered == 2
    assert found.shift == pytest.approx((abs(4 / 7 - 2 / 3) + abs(2 / 7 - 1 / 3) + 1 / 7) / 2)


def test_everything_covers_everything_and_nothing_nothing() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    topics = rng.integers(0, 4, 60)
    everything = spread(topics, np.ones(60, bool))
    assert (everything.covered, everything.shift) == (4, pytest.approx(0))
    assert spread(topics, np.zeros(60, bool)).shift == 1
    assert neighbourhoods(x, np.ones(60, bool)) == 1
    assert neighbourhoods(x, np.zeros(60, bool)) == 0
    assert np.isnan(neighbourhoods(x[:1], np.ones(1, bool)))


def test_neighbourhoods_are_those_of_a_double_loop() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(80, 4))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    kept = rng.random(80) < 0.2
    away = np.linalg.norm(x[:, None] - x[None], axis=2)
    covered = 0
    for row in range(80):
        others = np.delete(away[row], row)
        covered += away[row, kept].min() <= np.sort(others)[2] + 1e-9  # 0 for a kept one
    assert neighbourhoods(x, kept, 3) == pytest.approx(covered / 80)
    assert 0.2 < covered / 80 < 1
