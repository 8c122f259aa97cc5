"""Heads, splits, intervals and composition against independent references."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression

from curation.evaluation.composition import composition
from curation.evaluation.heads import accuracies
from curation.evaluation.intervals import corrected, corrected_ratio
from curation.evaluation.splits import FOLDS, split
from curation.evaluation.summary import better
from curation.items import Pairs, View
from tests.curation.evaluation.learnable import learnable


def test_a_head_is_logistic_regression_without_intercept_on_the_differences() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 300))
    x[:, 0] += 1
    train, test = np.arange(80), np.arange(80, 120)
    weights = np.column_stack([np.ones(80), (rng.random(80) < 0.3).astype(float)])
    found = accuracies(x @ x.T, 5.0, weights, train, test, np.ones(120))
    for column in range(2):
        rows = train[weights[:, column] > 0]
        model = LogisticRegression(C=1 / 5, fit_intercept=False, tol=1e-10, max_iter=10_000)
        model.fit(np.vstack([x[rows], -x[rows]]), [1] * len(rows) + [0] * len(rows),
                  sample_weight=np.full(2 * len(rows), 0.5))  # fmt: skip
        expected = (x[test] @ model.coef_[0] > 0).mean()
        assert found[column] == pytest.approx(expected)


def test_the_interval_is_the_t_interval_with_the_corrected_variance() -> None:
    values = [0.61, 0.64, 0.58, 0.66, 0.60]
    found = corrected(values, 0.25)
    spread = np.sqrt((1 / 5 + 0.25) * np.var(values, ddof=1))
    low, high = stats.t.interval(0.95, 4, loc=np.mean(values), scale=spread)
    assert (found.low, found.high) == pytest.approx((low, high))
    plain = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert corrected(values, 0.0).low == pytest.approx(plain.low)


def test_one_split_has_no_interval() -> None:
    assert corrected([0.6], 0.25).low is None
    assert corrected_ratio([3.0], [10], 0.25).low is None


def test_of_test_sets_of_one_size_the_ratio_has_the_interval_of_the_mean() -> None:
    gains = [2.0, -1.0, 4.0, 0.0]
    found = corrected_ratio(gains, [20] * 4, 0.25)
    plain = corrected([gain / 20 for gain in gains], 0.25)
    assert found.model_dump() == pytest.approx(plain.model_dump())
    uneven = corrected_ratio(gains, [10, 20, 30, 40], 0.25)
    assert uneven.mean == pytest.approx(5 / 100)
    same = corrected_ratio([1.0, 2.0, 3.0, 4.0], [10, 20, 30, 40], 0.25)
    assert (same.low, same.high) == pytest.approx((0.1, 0.1))


def test_every_pair_is_tested_once_a_repeat_and_no_prompt_is_on_both_sides() -> None:
    pairs = learnable(103, seed=0).take(np.repeat(np.arange(103), 3))
    for repeat in range(2):
        parts = [split(pairs, repeat * FOLDS + fold, seed=4) for fold in range(FOLDS)]
        tested = np.concatenate([part.test for part in parts])
        assert sorted(tested.tolist()) == list(range(309))
        sizes = [len(part.test) for part in parts]
        assert max(sizes) - min(sizes) <= 6
        for part in parts:
            assert not {pairs.prompt_ids[i] for i in part.train} & {
                pairs.prompt_ids[i] for i in part.test
            }
    first, other = split(pairs, 0, 4).test.tolist(), split(pairs, FOLDS, 4).test.tolist()
    assert first != other


def test_prompts_that_differ_only_in_case_and_punctuation_stay_together() -> None:
    prompts = [text for i in range(20) for text in (f"What is {i}?", f"what is {i}")]
    ids = [str(i) for i in range(40)]
    pairs = Pairs(ids, ids, prompts, ["a"] * 40, ["b"] * 40)
    for fold in range(FOLDS):
        tested = set(split(pairs, fold, 0).test.tolist())
        assert all((i in tested) == (i + 1 in tested) for i in range(0, 40, 2))


def test_the_composition_of_a_worked_example() -> None:
    vectors = {View.prompt: np.array([[1, 0], [1, 0], [0, 1]], np.float32)}
    pairs = Pairs(
        list("abc"),
        ["p", "p", "q"],
        ["P", "P", "Q"],
        ["aaa", "a", "aa"],
        ["a", "aaa", "aa"],
        vectors,
    )
    found = composition(pairs, 4)
    assert (found.pairs, found.prompts, found.prompts_covered) == (3, 2, 0.5)
    assert found.length_ratio == pytest.approx(1)
    assert found.longer_wins == pytest.approx(1 / 3)
    assert found.duplicates == pytest.approx(1 / 3)
    assert found.diversity == pytest.approx(np.log(np.sqrt(2)), abs=1e-5)


def test_the_composition_of_nothing_is_not_defined() -> None:
    found = composition(learnable(5, seed=0).take(np.arange(0)), 4)
    assert (found.pairs, found.prompts_covered, found.length_ratio) == (0, 0, None)


def test_a_gain_without_spread_is_no_proof_and_none_at_all_is_no_gain() -> None:
    assert better(corrected([0.05, 0.05], 0.25)) is None
    assert better(corrected([0.05], 0.25)) is None
    assert better(corrected([0.0, 0.0, 0.0], 0.25)) is False
    assert better(corrected([0.05, 0.06, 0.05, 0.06], 0.25)) is True
    assert better(corrected([0.05, -0.05], 0.25)) is False
