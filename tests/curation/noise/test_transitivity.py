"""What other comparisons say of one: by hand, by leaving it out, and in finding planted errors."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from curation.noise.transitivity import of_one_prompt, told_by_others


def test_leaving_out_in_closed_form_is_leaving_out() -> None:
    rng = np.random.default_rng(0)
    a, b = np.array([0, 0, 1, 2, 0]), np.array([1, 2, 2, 3, 3])
    said = rng.choice([-1.0, 0.0, 1.0], 5)
    found = of_one_prompt(a, b, said)
    for row in range(5):
        kept = np.arange(5) != row
        design = np.zeros((5, 4))
        design[np.arange(5), a], design[np.arange(5), b] = 1, -1
        x = design[kept]
        strength = np.linalg.solve(x.T @ x + np.eye(4), x.T @ said[kept])
        assert found[row] == pytest.approx(strength[a[row]] - strength[b[row]], abs=1e-9)


def test_a_lone_comparison_is_told_nothing_by_itself_or_its_copies() -> None:
    n = 200
    prompts = np.repeat(np.arange(n), 2)
    found = told_by_others(prompts, 2 * prompts, 2 * prompts + 1, np.ones(2 * n))
    assert found.tolist() == [0.5] * (2 * n)
    none = np.zeros(0, np.int64)
    assert len(told_by_others(none, none, none, np.zeros(0))) == 0


def test_planted_errors_among_six_comparisons_of_four_answers_are_found() -> None:
    rng = np.random.default_rng(1)
    one, other = np.triu_indices(4, 1)
    prompts = np.repeat(np.arange(300), 6)
    a, b = 4 * prompts + np.tile(one, 300), 4 * prompts + np.tile(other, 300)
    strength = rng.normal(size=1200)
    wrong = rng.random(1800) < 0.2
    said = np.where((strength[a] > strength[b]) ^ wrong, 1.0, -1.0)
    p_a = told_by_others(prompts, a, b, said)
    assert roc_auc_score(wrong, -np.where(said > 0, p_a, 1 - p_a)) > 0.69
    turned = told_by_others(prompts, b, a, -said)
    assert turned == pytest.approx(1 - p_a)
    shuffled = rng.permutation(1800)
    again = told_by_others(prompts[shuffled], a[shuffled], b[shuffled], said[shuffled])
    assert again == pytest.approx(p_a[shuffled])
