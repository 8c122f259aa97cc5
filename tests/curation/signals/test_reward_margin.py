from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks.subset_vs_random import flipped, hh_harmless, pairs_of
from curation.items import Pairs
from curation.signals import Fit, Scores
from curation.signals.reward_margin import RewardMargin
from tests.curation.signals.samples import with_vectors, written_pairs

SIGNAL = RewardMargin(bootstraps=3)


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return written_pairs()


def values(scores: Scores) -> Mapping[str, np.ndarray]:
    return {name: column.values for name, column in scores.columns.items()}


def test_no_pair_is_judged_by_a_head_that_saw_its_prompt(pairs: Pairs) -> None:
    """Turn the labels of one prompt round: its own margins only change their sign."""
    changed = np.array([prompt == pairs.prompt_ids[40] for prompt in pairs.prompt_ids])
    assert changed.sum() == 3
    turned = flipped(pairs, changed)
    before = values(SIGNAL.score(pairs, SIGNAL.fit(pairs)))
    after = values(SIGNAL.score(turned, SIGNAL.fit(turned)))
    np.testing.assert_allclose(
        after["margin_mean"][changed], -before["margin_mean"][changed], rtol=1e-6
    )
    np.testing.assert_allclose(
        after["p_correct"][changed], 1 - before["p_correct"][changed], rtol=1e-6
    )
    others = np.abs(after["margin_mean"] - before["margin_mean"])[~changed]
    assert np.nanmax(others) > 1e-3  # the other folds did learn from these labels


def test_the_fit_says_what_its_margins_are_worth(pairs: Pairs) -> None:
    fit = SIGNAL.fit(pairs)
    margin = values(SIGNAL.score(pairs, fit))["margin_mean"]
    assert fit.metrics["n"] == 89  # the pair with two equal responses teaches nothing
    assert fit.metrics["oof_accuracy"] == pytest.approx((margin[margin == margin] > 0).mean())
    assert {f"oof_accuracy_{view}" for view in SIGNAL.heads} <= set(fit.metrics)
    assert 0 <= fit.metrics["oof_ece"] <= 1


def test_too_few_prompts_are_a_status_and_no_number(pairs: Pairs) -> None:
    few = pairs.take(np.arange(27))  # nine prompts
    fit = SIGNAL.fit(few)
    assert not fit.arrays
    assert fit.metrics["n"] == 26
    for column in SIGNAL.score(few, fit).columns.values():
        assert (column.status == "too_few_prompts").all()


def test_needs_its_fit_and_its_vectors(pairs: Pairs) -> None:
    with pytest.raises(ValueError, match="fit"):
        SIGNAL.score(pairs)
    bare = Pairs(pairs.ids, pairs.prompt_ids, pairs.prompts, pairs.chosen, pairs.rejected)
    with pytest.raises(ValueError, match="vectors"):
        SIGNAL.fit(bare)


def test_learns_from_a_sample_and_judges_all(pairs: Pairs) -> None:
    times = 4
    ids = [f"{i}-{t}" for t in range(times) for i in pairs.ids]
    prompt_ids = [f"{i}-{t}" for t in range(times) for i in pairs.prompt_ids]
    vectors = {view: np.tile(matrix, (times, 1)) for view, matrix in pairs.vectors.items()}
    prompts, chosen = list(pairs.prompts) * times, list(pairs.chosen) * times
    many = Pairs(ids, prompt_ids, prompts, chosen, list(pairs.rejected) * times, vectors)
    signal = SIGNAL.model_copy(update={"max_pairs": 150})
    fit: Fit = signal.fit(many)
    assert 140 <= fit.metrics["n"] <= 150
    assert (signal.score(many, fit).columns["margin_mean"].status == "ok").sum() == 89 * times


@pytest.mark.realdata
def test_finds_flipped_labels_of_hh_harmless(data: Path) -> None:
    """Better than chance already here; `benchmarks.flipped_labels` says how well on all pairs."""
    pairs = with_vectors(pairs_of(hh_harmless(data)[:300]))
    found: list[float] = []
    for seed in range(2):
        turned = np.random.default_rng(seed).random(len(pairs)) < 0.2
        noisy = flipped(pairs, turned)
        signal = SIGNAL.model_copy(update={"seed": seed})
        margin = values(signal.score(noisy, signal.fit(noisy)))["margin_mean"]
        known = np.isfinite(margin)
        found.append(float(roc_auc_score(turned[known], -margin[known])))
    assert np.mean(found) >= 0.6, found
