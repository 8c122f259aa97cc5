"""N08 and D03: what a feature drives, turned in a dry run; which stances candidates take."""

import numpy as np
import pytest

from curation.structure.feature_flip import feature_flip, most_active
from curation.structure.homogeneity import absent, coverage


def test_the_worked_rows_of_a_feature() -> None:
    """Worked by hand. |z| 3, 2.5, 2, 1 are the top 4; a label takes "more" where z > 0 and a is
    better or z < 0 and b is. Rows 0, 1 and 4 do, row 3 does not."""
    z = np.array([3.0, -2.0, 0.5, 1.0, 2.5, 0.0])
    a_better = np.array([True, False, True, False, True, True])
    none = np.zeros((6, 1))
    found = feature_flip(z[:, None], none, 0, 1.0, a_better, np.arange(6), top=4)
    assert found.rows.tolist() == [0, 4, 1]
    assert (found.top, found.before, found.after) == (4, 0.75, 0.0)
    other = feature_flip(z[:, None], none, 0, -1.0, a_better, np.arange(6), top=4)
    assert (other.rows.tolist(), other.before) == ([3], 0.25)


def test_it_does_not_matter_which_response_is_a() -> None:
    rng = np.random.default_rng(0)
    z, better = rng.normal(size=(300, 3)), rng.random(300) < 0.6
    held, groups = rng.normal(size=(300, 1)), np.arange(300) // 2
    one = feature_flip(z, held, 1, 1.0, better, groups)
    other = feature_flip(-z, -held, 1, 1.0, ~better, groups)
    assert one.rows.tolist() == other.rows.tolist()
    assert one.at_top == pytest.approx(other.at_top)
    assert one.elsewhere == pytest.approx(other.elsewhere)


def test_turning_what_a_feature_drives_costs_accuracy_there() -> None:
    """Labels follow feature 0; learning the contrary at its top foretells them worse there, and
    leaving those labels out does not."""
    rng = np.random.default_rng(1)
    z = rng.normal(size=(1500, 4))
    better = rng.random(1500) < 1 / (1 + np.exp(-2 * z[:, 0]))
    held, groups = np.zeros((1500, 1)), np.arange(1500)
    found = feature_flip(z, held, 0, 1.0, better, groups, top=600)
    assert found.before > 0.8
    assert found.at_top[0] > 0.9
    assert found.at_top[1] < found.at_top[0] - 0.2
    dropped = feature_flip(z, held, 0, 1.0, better, groups, top=600, action="drop")
    assert dropped.rows.tolist() == found.rows.tolist()
    assert dropped.at_top[1] > 0.9


def test_limits() -> None:
    assert len(most_active(np.zeros(5), None)) == 0
    assert most_active(np.array([1.0, -1.0, 0.5]), None).tolist() == [0, 1, 2]
    nothing = feature_flip(np.zeros((4, 1)), np.zeros((4, 1)), 0, 1.0, np.ones(4, bool),
                           np.arange(4))  # fmt: skip
    assert (len(nothing.rows), nothing.top) == (0, 0)
    assert np.isnan(nothing.before)
    assert np.isnan(nothing.at_top[0])


def test_the_worked_coverage_of_stances() -> None:
    """Of four stances prompt 0 takes 0 and 1, prompt 1 takes 2; nobody takes 3."""
    prompts, classes = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 1, 2, -1])
    assert coverage(prompts, classes, 4).tolist() == [0.5, 0.25]
    assert absent(prompts, classes, 4).tolist() == [0.5, 0.5, 0.5, 1.0]
    assert np.isnan(absent(np.zeros(0, np.int64), np.zeros(0, np.int64), 2)).all()
