"""Learning curves: the worked numbers of D01, and which shape is preferred."""

import numpy as np
import pytest

from curation.evaluation.curves import CHANCE, ENOUGH, aicc, fit, learning_curve

SIZES = np.array([1, 2, 4, 8, 16, 32], float)


def test_the_worked_plateau_is_found_again() -> None:
    said = 70 - 30 * np.exp(-0.35 * SIZES)
    assert said[:5] == pytest.approx([48.86, 55.10, 62.60, 68.18, 69.89], abs=0.005)
    found = fit("plateau", SIZES, said)
    assert (found.a, found.b, found.c) == pytest.approx((70, 30, 0.35), rel=1e-6)
    assert found.aicc < fit("power", SIZES, said).aicc


def test_a_power_law_is_found_again() -> None:
    found = fit("power", SIZES, 0.8 - 0.3 * SIZES**-0.5)
    assert (found.a, found.b, found.c) == pytest.approx((0.8, 0.3, 0.5), rel=1e-5)


def test_aicc_by_hand() -> None:
    assert aicc(10, 0.1) == pytest.approx(10 * np.log(0.01) + 8 + 40 / 5)
    assert aicc(5, 0.1) == float("inf")


@pytest.mark.parametrize("shape", ["plateau", "power"])
def test_the_shape_that_made_noisy_points_is_preferred(shape: str) -> None:
    rng = np.random.default_rng(0)
    sizes = np.repeat([50, 100, 200, 500, 1000, 2000], 5)
    true = 0.8 - 0.25 * np.exp(-sizes / 200) if shape == "plateau" else 0.8 - 0.9 * sizes**-0.4
    found = learning_curve(sizes.tolist(), (true + rng.normal(0, 0.01, 30)).tolist(), 2000)
    assert found.shape == shape
    assert found.shape is not None
    assert found.recommended is not None
    assert found.ceiling is not None
    assert found.saved == pytest.approx(1 - found.recommended / 2000)
    enough = CHANCE + ENOUGH * (found.ceiling - CHANCE)
    curve = fit(found.shape, sizes.astype(float), true)  # about the same curve, without noise
    assert float(curve.at(float(found.recommended))) == pytest.approx(enough, abs=0.01)


def test_what_cannot_be_said_is_not_said() -> None:
    assert learning_curve([100, 200], [0.6, 0.7], 400).shape is None
    flat = learning_curve([50, 100, 200, 400] * 3, [0.5] * 12, 400)
    assert flat.recommended is None
    assert flat.why is not None
    rising = learning_curve([50, 100, 200, 400] * 3, [0.5, 0.51, 0.53, 0.57] * 3, 400)
    assert rising.recommended is None or rising.saved is not None
