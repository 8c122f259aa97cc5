"""N07: the worked number, and the promise on 200 splits."""

import numpy as np
import pytest
from scipy.special import expit

from curation.noise.conformal import p_values, select, select_flips

SPLITS = 200


def test_the_worked_number() -> None:
    calibration = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.3])
    correct = np.array([True, True, True, False, True, False])
    scores = np.array([0.95, 0.65, 0.2])
    found = p_values(scores, calibration, correct)
    assert found == pytest.approx([1 / 7, 1 / 7, 3 / 7])
    assert select(scores, calibration, correct, 0.3).kept.tolist() == [True, True, False]
    assert select(scores, calibration, correct, 0.45).kept.all()


@pytest.mark.parametrize("turned", [False, True])
def test_the_share_of_errors_is_held_over_many_splits(turned: bool) -> None:
    """Kept labels that are wrong, or flips of labels that were right."""
    alpha, rng = 0.1, np.random.default_rng(0)
    shares: list[float] = []
    power: list[float] = []
    for _ in range(SPLITS):
        margin = rng.normal(size=1500) * 3
        correct = rng.random(1500) < expit(margin)
        choose = select_flips if turned else select
        kept = choose(margin[500:], margin[:500], correct[:500], alpha).kept
        right = correct[500:] != turned
        shares.append(float((~right[kept]).sum() / max(kept.sum(), 1)))
        power.append(float((right & kept).sum() / max(right.sum(), 1)))
    error = np.std(shares) / np.sqrt(SPLITS)
    assert np.mean(shares) <= alpha + 2 * error
    assert np.mean(power) > 0.3


def test_nothing_known_keeps_nothing() -> None:
    assert not select(np.array([5.0, 6.0]), np.zeros(0), np.zeros(0, bool)).kept.any()
    assert len(select(np.zeros(0), np.zeros(3), np.ones(3, bool)).kept) == 0


def test_equal_scores_are_kept_or_left_together() -> None:
    kept = select(np.full(50, 2.0), np.arange(100.0), np.arange(100) > 1, 0.2).kept
    assert len(set(kept.tolist())) == 1


def test_bad_values_are_refused() -> None:
    with pytest.raises(ValueError, match="alpha"):
        select(np.zeros(1), np.zeros(1), np.ones(1, bool), 1.0)
    with pytest.raises(ValueError, match="finite"):
        select(np.array([np.nan]), np.zeros(1), np.ones(1, bool))
