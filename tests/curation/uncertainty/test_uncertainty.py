"""D05, S10, S12, S14: worked numbers, limits, and recovered truths."""

import numpy as np
import pytest
from scipy.special import expit

from curation.consensus.votes import TIE, A, B
from curation.uncertainty.calibration import (
    calibration_error,
    likelier_side,
    reliability,
    temperature,
)
from curation.uncertainty.decomposition import decompose, uncertainty_gap
from curation.uncertainty.orders import both_orders, graded, robustness
from curation.uncertainty.policy_ranking import idealised, ranking


def test_the_worked_calibration_error() -> None:
    p, correct = np.array([0.9, 0.8, 0.6, 0.55, 0.95]), np.array([1, 1, 0, 1, 0])
    table = reliability(p, correct, low=0.0)
    assert calibration_error(table) == pytest.approx(0.42)
    assert sum(each.rows for each in table) == 5


def test_calibrated_pairs_have_no_error_and_it_does_not_matter_which_is_a() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(100_000)
    truth = rng.random(100_000) < p
    error = calibration_error(reliability(*likelier_side(p, truth)))
    assert error < 0.01
    turned = calibration_error(reliability(*likelier_side(1 - p, ~truth)))
    assert turned == pytest.approx(error)
    assert calibration_error([]) == 0


@pytest.mark.parametrize("t", [0.5, 1.0, 4.0])
def test_the_temperature_is_recovered(t: float) -> None:
    rng = np.random.default_rng(1)
    margin = rng.normal(size=50_000) * 3
    correct = rng.random(50_000) < expit(margin / t)
    assert temperature(margin, correct) == pytest.approx(t, rel=0.05)
    assert temperature(np.zeros(3), np.ones(3)) == 1.0


def test_the_worked_decomposition() -> None:
    strong = np.array([[[0.9, 0.1], [0.8, 0.2]]])
    weak = np.array([[[0.6, 0.4], [0.3, 0.7]]])
    found = decompose(np.vstack([strong, weak]))
    assert found.total == pytest.approx([0.6098, 0.9928], abs=1e-4)
    assert found.expected == pytest.approx([0.5955, 0.9261], abs=1e-4)
    assert found.mutual == pytest.approx([0.0144, 0.0667], abs=1e-4)
    assert uncertainty_gap(weak, strong)[0] == pytest.approx(0.3307, abs=1e-4)
    assert decompose(np.array([[[1.0, 0.0]]])).total[0] == pytest.approx(0, abs=1e-6)


def test_the_worked_verdicts_in_both_orders() -> None:
    """Game 1 and the swapped game both say "the first": inconsistent, a tie."""
    items = np.array([0, 0, 1, 1, 2])
    said = np.array([A, B, A, A, B])
    a_first = np.array([1, 0, 1, 0, 1])
    found = both_orders(items, said, a_first)
    assert found.items.tolist() == [0, 1]
    assert found.verdicts.tolist() == [TIE, A]
    assert found.consistency == 0.5
    assert found.first_rate == pytest.approx(3 / 5)


def test_a_judge_that_was_never_asked_twice_has_no_consistency() -> None:
    found = both_orders(np.array([0]), np.array([TIE]), np.array([-1]))
    assert np.isnan(found.consistency)
    assert np.isnan(found.first_rate)


def test_graded_verdicts_and_probes() -> None:
    assert graded(np.array([2, 1, 0, -1, -2])).tolist() == [
        [3, 0],
        [1, 0],
        [0.5, 0.5],
        [0, 1],
        [0, 3],
    ]
    assert robustness(np.array([0, 1, 0, 1]), np.array([0, 1, 1, 1])) == 0.75


def test_the_worked_difficulty() -> None:
    reference = np.zeros(2)
    found = ranking(
        np.array([-1.0, -3.0]), np.array([-2.0, -2.0]), reference, np.array([5.0, 30.0])
    )
    assert found.ranked.tolist() == [1, 0]
    assert found.difficulty.tolist() == [5, 30]
    assert found.loss_needed == pytest.approx([0.4741, 0.0486], abs=1e-4)


def test_the_worked_idealised_policies() -> None:
    assert idealised(np.array([2.0]), np.array([0.8]), 0.5)[0] == pytest.approx(0.773, abs=1e-3)
    assert idealised(np.array([2.0]), np.array([0.8]), 1.0)[0] == pytest.approx(-0.614, abs=1e-3)
