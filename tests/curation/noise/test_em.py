"""N01: the worked number, what EM can know, and what it must refuse to say."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from curation.items import Floats
from curation.noise.em import denoise, expectation, moving_average, sharpened


def noisy_labels(
    scale: float, rate: float, seed: int, n: int = 10_000
) -> tuple[Floats, NDArray[np.bool_]]:
    """P(label right) by a perfect scorer of margin scale `scale`; which labels were flipped."""
    rng = np.random.default_rng(seed)
    margin = rng.normal(size=n) * scale
    better = rng.random(n) < expit(margin)
    flipped = rng.random(n) < rate
    return expit(np.where(better ^ flipped, margin, -margin)), flipped


def test_the_worked_number() -> None:
    w = expectation(np.array([0.9, 0.2, 0.05]), 0.8)
    assert w == pytest.approx([0.9730, 0.5, 0.1739], abs=1e-4)
    assert w.mean() == pytest.approx(0.5490, abs=1e-4)
    assert moving_average(0.8, w) == pytest.approx(0.7749, abs=1e-4)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.2])
def test_large_margins_give_the_rate(rate: float) -> None:
    p, flipped = noisy_labels(8.0, rate, seed=1)
    found = denoise(p, oof_accuracy=0.9)
    assert found.why is None
    assert found.noise_rate == pytest.approx(rate, abs=0.03)
    if rate:
        assert roc_auc_score(flipped, -found.p_correct) > 0.9


def test_a_weak_scorer_gives_no_rate_but_still_an_order() -> None:
    p, flipped = noisy_labels(0.3, 0.2, seed=2)
    found = denoise(p, oof_accuracy=0.55)
    assert found.noise_rate is None
    assert "55%" in (found.why or "")
    assert np.isfinite(found.p_correct).all()
    assert roc_auc_score(flipped, -found.p_correct) > 0.5


def test_small_margins_repeat_the_start_and_that_is_no_answer() -> None:
    p = np.full(1000, 0.5)
    found = denoise(p, oof_accuracy=0.9)
    assert found.noise_rate is None
    assert "different starts" in (found.why or "")


def test_annotators_are_told_apart() -> None:
    rng = np.random.default_rng(3)
    margin = rng.normal(size=20_000) * 8
    better = rng.random(20_000) < expit(margin)
    who = rng.integers(0, 20, 20_000)
    truth = np.linspace(0.6, 0.98, 20)
    flipped = rng.random(20_000) > truth[who]
    p = expit(np.where(better ^ flipped, margin, -margin))
    found = denoise(p, who, oof_accuracy=0.9)
    assert np.corrcoef(found.reliability, truth)[0, 1] > 0.97
    renamed = denoise(p, 19 - who, oof_accuracy=0.9)
    assert renamed.reliability[::-1] == pytest.approx(found.reliability)


def test_nothing_is_nothing() -> None:
    found = denoise(np.zeros(0), oof_accuracy=0.9)
    assert (len(found.p_correct), found.noise_rate) == (0, None)


def test_certain_scores_stay_finite() -> None:
    found = denoise(np.array([0.0, 1.0, 1.0, 0.0]), oof_accuracy=0.9)
    assert np.isfinite(found.p_correct).all()
    assert found.noise_rate == pytest.approx(0.5)


@pytest.mark.parametrize("scale", [4.0, 8.0])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.2])
def test_a_slope_fitted_to_noisy_labels_is_sharpened(scale: float, rate: float) -> None:
    """Calibrated to the labels as they are the scorer calls them all right; EM has to undo that."""
    p, _ = noisy_labels(scale, rate, seed=5)
    margin = np.log(p / (1 - p)) * 0.4
    found = denoise(expit(margin), oof_accuracy=0.9, refit=sharpened(margin))
    assert found.noise_rate == pytest.approx(rate, abs=0.03)


def test_margins_that_separate_the_labels_have_a_finite_slope() -> None:
    p = sharpened(np.ones(100))(np.ones(100))
    assert np.isfinite(p).all()
    assert sharpened(np.zeros(3))(np.ones(3)).tolist() == [0.5] * 3
