"""S09, N02, N04: worked numbers and what the formulas promise."""

import numpy as np
import pytest

from curation.noise.robust import conservative_loss, robust_loss, robust_target
from curation.noise.strength import quantile_bands, scaled, soft_labels, strengths

CHOSEN = [3.719, 0.590, 3.391, 0.007, -0.695, 1.039, 1.414, 0.836, 3.078, 2.000]
REJECTED = [3.547, 0.992, 2.125, -0.330, 1.172, 1.258, 1.078, 1.055, 3.547, 2.266]


def test_the_strength_of_a_released_row() -> None:
    chosen, rejected = np.array([CHOSEN]), np.array([REJECTED])
    found = strengths(chosen, rejected)
    assert found.mean[0] == pytest.approx(-0.1331, abs=1e-4)
    assert found.std[0] == pytest.approx(0.756, abs=1e-3)
    assert found.vote[0] == pytest.approx(0.4)
    of_mean, mean_of = soft_labels(chosen - rejected)
    assert of_mean[0] == pytest.approx(0.467, abs=1e-3)
    assert mean_of[0] == pytest.approx(0.473, abs=1e-3)
    turned = strengths(rejected, chosen)
    assert (turned.mean[0], turned.vote[0]) == pytest.approx((0.1331, 0.6), abs=1e-4)


def test_a_missing_reward_is_left_out() -> None:
    chosen = np.array([[1.0, np.nan], [np.nan, np.nan]])
    found = strengths(chosen, np.zeros((2, 2)))
    assert found.mean.tolist() == [1.0, 0.0]
    assert found.vote.tolist() == [1.0, 0.5]


def test_bands_have_equal_counts_and_keep_equal_values_together() -> None:
    assert np.bincount(quantile_bands(np.random.default_rng(0).random(100), 5)).tolist() == [20] * 5
    assert quantile_bands(np.zeros(10), 5).tolist() == [0] * 10
    assert len(quantile_bands(np.zeros(0), 5)) == 0


def test_models_are_brought_to_one_scale() -> None:
    margins = np.random.default_rng(0).normal(size=(500, 3)) * [1, 10, 0]
    assert (scaled(margins) ** 2).mean(axis=0) == pytest.approx([1, 1, 0])


def test_the_robust_loss_is_unbiased() -> None:
    kept, turned = robust_loss(np.array([0.7, 0.3]), 0.2).tolist()
    assert kept == pytest.approx(0.0742, abs=1e-4)
    assert turned == pytest.approx(1.4864, abs=1e-4)
    assert 0.8 * kept + 0.2 * turned == pytest.approx(-np.log(0.7))
    assert conservative_loss(np.array([0.7]), 0.2) == pytest.approx(0.5261, abs=1e-4)


def test_targets_leave_the_unit_interval_and_the_rate_is_limited() -> None:
    assert robust_target(0.2) == pytest.approx(0.8 / 0.6)
    assert robust_target(0.2, 0.0) == pytest.approx(-0.2 / 0.6)
    assert robust_target(0.9) == robust_target(0.45)
