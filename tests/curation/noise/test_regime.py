"""What the shape of margins tells of wrong labels, where EM says nothing or too little."""

import numpy as np
import pytest
from scipy.special import expit

from curation.noise.em import denoise
from curation.noise.regime import apart, regime, wrong_side

N = 4000


def test_two_bells_have_their_own_distance_and_one_bell_none() -> None:
    rng = np.random.default_rng(0)
    side = np.where(rng.random(N) < 0.3, -1.0, 1.0)
    for distance in (2.0, 3.0, 5.0):
        assert apart(side * distance + rng.normal(size=N)) == pytest.approx(distance, rel=0.05)
    assert apart(rng.normal(size=N)) < 1
    assert apart(rng.standard_t(5, size=N)) == 0
    margin = side * 2 + rng.normal(size=N)
    assert apart(7 * margin) == pytest.approx(apart(margin))
    assert apart(np.abs(margin)) == pytest.approx(apart(margin))  # signs don't enter
    assert apart(np.zeros(5)) == 0
    assert np.isfinite(apart(np.full(5, 2.0)))


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.3])
def test_the_share_on_the_wrong_side_is_that_of_the_wrong_labels(noise: float) -> None:
    rng = np.random.default_rng(1)
    margin = 2 + rng.normal(size=N)  # by the truth; a scorer that is right on 98 %
    wrong = rng.random(N) < noise
    found = np.where(wrong, -margin, margin)
    assert wrong_side(found) == pytest.approx(noise, abs=0.02)
    assert regime(expit(found)).noise == pytest.approx(wrong_side(found))


def test_wrong_labels_that_follow_a_pattern_are_seen_by_the_shape_and_not_by_em() -> None:
    """Of two kinds of pairs that are equally far apart, hard ones are labelled the wrong way
    round, so consistently that the scorer foretells a part of these labels."""
    rng = np.random.default_rng(2)
    margin = 2 + rng.normal(size=N)
    hard = margin < np.quantile(margin, 0.6)
    wrong = hard & (rng.random(N) < 0.4)
    foretold = hard & (rng.random(N) < 0.2)
    found = np.where(wrong, -margin, margin) * np.where(wrong & foretold, -1, 1)
    em = denoise(expit(found), oof_accuracy=float((found > 0).mean()))
    told = regime(expit(found))
    assert told.noise is not None
    assert told.gate == told.noise
    assert abs(told.noise - wrong.mean()) < 0.08
    assert em.noise_rate is None or abs(em.noise_rate - wrong.mean()) > 0.08


def test_what_stands_in_one_bell_is_left_to_em() -> None:
    rng = np.random.default_rng(3)
    margin = np.abs(rng.normal(size=N)) * np.where(rng.random(N) < 0.4, -1, 1)
    found = regime(expit(margin))
    assert (found.noise, found.gate) == (None, 0.05)
    assert found.why is not None
    assert regime(np.full(99, 0.9)).why == "99 labels are too few to say"


def followed(size: np.ndarray, seed: int) -> np.ndarray:
    """Clean labels, right by definition: each follows a margin of this size with σ(size)."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(len(size)) < expit(size), size, -size)


@pytest.mark.parametrize("seed", range(3))
def test_flat_margins_of_clean_labels_are_not_taken_for_two_bells(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for width in (1, 2):
        margin = followed(rng.uniform(0, width, N), seed)
        assert apart(margin) >= 1.25
        assert regime(expit(margin)).gate <= 0.1
    hardly = followed(rng.normal(0.08, 0.01, N), seed)  # followed at 52 %: no scorer to go by
    assert (regime(expit(hardly)).noise, regime(expit(hardly)).gate) == (None, 0.05)


def test_pairs_that_teach_nothing_are_no_wrong_labels() -> None:
    rng = np.random.default_rng(4)
    margin = np.where(rng.random(N) < 0.5, rng.normal(0, 0.1, N), rng.normal(3, 0.5, N))
    assert apart(margin) >= 1.25
    assert regime(expit(margin)).gate <= 0.05
