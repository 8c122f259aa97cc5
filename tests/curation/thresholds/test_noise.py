"""P(label wrong): by Bayes on simulated labels, and what the knots keep of it."""

import numpy as np
import pytest
from scipy.special import expit

from curation.thresholds.noise import KNOTS, most_wrong, on_knots, wrong


def simulated(rate: float, knows: float) -> tuple[np.ndarray, np.ndarray]:
    """(p, turned): P(a label agrees) by a scorer that knows so much, and which labels are wrong."""
    rng = np.random.default_rng(5)
    margin = knows * rng.standard_normal(200_000)
    right_is_first = rng.random(len(margin)) < expit(margin)
    turned = rng.random(len(margin)) < rate
    given_is_first = right_is_first ^ turned
    q = np.where(given_is_first, expit(margin), expit(-margin))
    return q * (1 - rate) + (1 - q) * rate, turned


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("knows", [0.0, 0.7, 3.0])
def test_the_estimate_is_the_planted_share_above_every_threshold(rate: float, knows: float) -> None:
    p, turned = simulated(rate, knows)
    estimate = on_knots(p) @ wrong(KNOTS, rate)
    for share in (0, 0.5, 0.9):
        kept = p >= np.quantile(p, share)
        assert estimate[kept].mean() == pytest.approx(turned[kept].mean(), abs=0.01)


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.4])
def test_the_surest_labels_bound_the_rate(rate: float) -> None:
    """The more the scorer knows, the closer; one that knows nothing rules nothing out."""
    bounds = [most_wrong(simulated(rate, knows)[0]) for knows in (0.0, 0.7, 3.0)]
    assert bounds == sorted(bounds, reverse=True)
    assert rate <= bounds[-1] <= rate + 0.01
    assert bounds[0] == 0.49 == most_wrong(np.array([np.nan]))


def test_limits_of_the_estimate() -> None:
    assert wrong(KNOTS, 0).tolist() == [0] * len(KNOTS)
    assert wrong(np.array([0.5]), 0.3) == pytest.approx(0.3)
    assert wrong(np.array([0.0, 0.2, 0.8, 1.0]), 0.2) == pytest.approx([1, 1, 0, 0])


def test_knots_keep_the_mean_and_leave_out_what_is_missing() -> None:
    p = np.array([0.0, 0.013, 0.5, 0.9999, 1.0, np.nan])
    table = on_knots(p)
    assert table.sum(axis=1) == pytest.approx([1, 1, 1, 1, 1, 0])
    assert (table @ KNOTS)[:5] == pytest.approx(p[:5])
    assert (table >= 0).all()
