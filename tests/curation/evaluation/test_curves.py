"""Learning curves: the worked numbers of D01, and which shape is preferred."""

import numpy as np
import pytest

from curation.evaluation.curves import CHANCE, ENOUGH, aicc, fit, learning_curve, solved

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


@pytest.mark.parametrize("slope", [0.0002, 0.00001])
def test_accuracy_that_does_not_bend_yet_has_no_plateau(slope: float) -> None:
    """A straight line: a free plateau goes wherever the search ends (8.54 for the first)."""
    sizes = np.tile([50, 100, 200, 400], 3)
    rising = learning_curve(sizes.tolist(), (0.49 + slope * sizes + 0.02).tolist(), 400)
    assert rising.shape == "plateau"
    assert (rising.ceiling, rising.recommended, rising.saved) == (None, None, None)
    assert "still grows" in (rising.why or "")
    assert rising.a is not None
    assert rising.a <= 1


def test_no_ceiling_is_above_one() -> None:
    """Points on the way to 1 with noise above it: the plateau is 1, and it is reached."""
    sizes = np.tile([50, 100, 200, 400, 800], 3)
    noise = np.random.default_rng(0).normal(0.004, 0.004, len(sizes))
    free = fit("plateau", sizes, 1 - 0.5 * np.exp(-sizes / 150) + noise)
    found = learning_curve(sizes.tolist(), (1 - 0.5 * np.exp(-sizes / 150) + noise).tolist(), 800)
    assert free.a > 1
    assert found.ceiling == 1
    assert found.recommended == pytest.approx(150 * np.log(20), rel=0.05)


def test_a_plateau_under_its_bound_is_the_best_in_least_squares() -> None:
    rng = np.random.default_rng(1)
    base, y = rng.random(20), 1.2 - 0.4 * rng.random(20)
    a, b, squares = solved(base, y, 0.9)
    assert a == 0.9
    others = [((y - 0.9 + other * base) ** 2).sum() for other in (max(b - 0.01, 0), b + 0.01)]
    assert squares <= min(others)
