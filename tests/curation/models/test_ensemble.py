import numpy as np
import pytest

from curation.models.ensemble import (
    Plan,
    bootstrap_weights,
    calibration_error,
    combine,
    fold_of,
    slope,
    training_weights,
)

PROMPTS = [f"prompt {i // 3}" for i in range(90)]
PLAN = Plan(("style",), folds=5, bootstraps=4, seed=0)

# A released row of hh-rlhf-strength-cleaned: ten reward models' scores of one pair.
CHOSEN = [3.719, 0.590, 3.391, 0.007, -0.695, 1.039, 1.414, 0.836, 3.078, 2.000]
REJECTED = [3.547, 0.992, 2.125, -0.330, 1.172, 1.258, 1.078, 1.055, 3.547, 2.266]


def test_the_statistics_of_a_released_row() -> None:
    margin = np.repeat((np.array(CHOSEN) - REJECTED)[None, None], 2, axis=1)
    arrays = {"seen": np.zeros(0), "slope": np.ones(2)}
    judgment = combine(["p"], PLAN._replace(folds=2), arrays, margin)
    assert judgment.mean[0] == pytest.approx(-0.1331, abs=1e-4)
    assert judgment.std[0] == pytest.approx(0.756, abs=1e-3)
    assert judgment.vote_share[0] == pytest.approx(0.4)
    assert judgment.p_correct[0] == pytest.approx(0.467, abs=1e-3)


def test_the_pairs_of_a_prompt_share_fold_and_draws() -> None:
    fold, drawn = fold_of(PROMPTS, PLAN), bootstrap_weights(PROMPTS, PLAN)
    assert set(fold.tolist()) == set(range(5))
    for start in range(0, 90, 3):
        assert len(set(fold[start : start + 3].tolist())) == 1
        assert (drawn[start : start + 3] == drawn[start]).all()
    assert not (fold == fold_of(PROMPTS, PLAN._replace(seed=1))).all()


def test_draws_are_poisson_of_mean_one() -> None:
    drawn = bootstrap_weights([f"p{i}" for i in range(4000)], PLAN)
    assert drawn.mean() == pytest.approx(1, abs=0.03)
    assert drawn.var() == pytest.approx(1, abs=0.06)


def test_no_weight_on_a_fold_in_the_columns_that_judge_it() -> None:
    weights, column = training_weights(PROMPTS, PLAN)
    fold = fold_of(PROMPTS, PLAN)
    assert weights.shape == (90, 5 * 4 + 10)
    for f in range(5):
        assert (weights[fold == f, f * 4 : (f + 1) * 4] == 0).all()
    for (f, g), c in column.items():
        assert (weights[(fold == f) | (fold == g), c] == 0).all()
        assert (weights[(fold != f) & (fold != g), c] == 1).all()


def test_the_temperature_is_found_again() -> None:
    rng = np.random.default_rng(0)
    margin = rng.normal(size=20_000) * 2
    labelled = np.where(rng.random(20_000) < 1 / (1 + np.exp(-0.7 * margin)), margin, -margin)
    assert slope(labelled) == pytest.approx(0.7, abs=0.03)
    assert slope(-labelled) == 0


def test_calibration_error_of_known_cases() -> None:
    assert calibration_error(np.ones(10)) == 0
    assert calibration_error(np.zeros(10)) == 1
    assert calibration_error(np.full(10, 0.5)) == pytest.approx(0)
    sure = np.array([0.9] * 90 + [0.1] * 10)
    assert calibration_error(sure, bins=1) == pytest.approx(0)
