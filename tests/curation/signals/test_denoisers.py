"""What signals that judge labels find where the truth is known, and when they refuse."""

from dataclasses import replace

import numpy as np
import pytest

from curation.items import Pairs
from curation.recipes.apply import score_by_pair
from curation.signals import Column, parse_signal
from curation.signals.conformal_keep import ConformalKeep
from curation.signals.flip_rate import agreeing
from tests.curation.evaluation.learnable import learnable, truth

HEADS = {"heads": ["prompt_response", "response"]}
N = 400


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return learnable(N, seed=3, flips=0.15)


def scored(pairs: Pairs, **spec: object) -> dict[str, Column]:
    return score_by_pair(parse_signal({**HEADS, **spec}), pairs)


def test_wrong_labels_gather_in_the_lowest_band(pairs: Pairs) -> None:
    found = scored(pairs, kind="preference_strength")
    band, wrong = found["band"].values, truth(pairs) < 0
    shares = [(band == each).mean() for each in range(5)]
    assert shares == pytest.approx([0.1, 0.1, 0.2, 0.5, 0.1], abs=0.01)
    assert wrong[band == 0].mean() > 0.5 > wrong[band == 3].mean() * 5
    soft = found["soft_label"].values
    assert (soft[band != 1] == 1).all()
    assert (soft[band == 1] < 1).all()


def test_em_doubts_wrong_labels_and_a_weak_scorer_softens_none(pairs: Pairs) -> None:
    found = scored(pairs, kind="label_em")
    wrong = truth(pairs) < 0
    assert found["p_correct"].values[wrong].mean() < found["p_correct"].values[~wrong].mean() - 0.3
    assert found["soft_label"].values.tolist() == found["p_correct"].values.tolist()
    noise = scored(learnable(N, seed=4, flips=0.5), kind="label_em")
    assert set(noise["soft_label"].status) == {"weak_scorer"}
    assert (noise["p_correct"].status == "ok").all()


def test_a_certificate_is_of_the_verified_kind(pairs: Pairs) -> None:
    right = truth(pairs) > 0
    known = np.random.default_rng(0).random(N) < 0.6
    gold = np.where(known, right, np.nan)
    verified = replace(pairs, facts={"gold": gold})
    found = scored(verified, kind="conformal_keep", alpha=0.1)["kept"].values
    assert (found[known] == right[known]).all()
    assert right[~known & (found == 1)].mean() > 0.85
    few = replace(pairs, facts={"gold": np.where(np.arange(N) < 100, right, np.nan)})
    assert set(scored(few, kind="conformal_keep")["kept"].status) == {"too_few_verified"}


def test_pairs_that_the_certificate_did_not_see_are_neither_kept_nor_refused(pairs: Pairs) -> None:
    right = truth(pairs) > 0
    known = np.random.default_rng(0).random(N) < 0.3
    verified = replace(pairs, facts={"gold": np.where(known, right, np.nan)})
    spec = {"alpha": 0.2, "least": int(known.sum()), "most_shift": 1.0, "max_pairs": 200}
    found = scored(verified, kind="conformal_keep", **spec)
    kept = found["kept"]
    assert (kept.values[known] == right[known]).all()  # all verified ones are in the sample
    assert np.isfinite(found["p_value"].values).all()
    assert (kept.status == "ok").sum() == 200
    assert (kept.status == "not_certified").sum() == N - 200
    assert (np.isnan(kept.values) == (kept.status == "not_certified")).all()
    some = kept.values[~known & (kept.status == "ok")]
    assert 0 < some.mean() < 1
    more = parse_signal({**HEADS, "kind": "conformal_keep", **spec, "max_pairs": 100})
    assert isinstance(more, ConformalKeep)
    assert len(more.sample(verified)) == known.sum() > 100


def test_the_flip_rate_counts_verified_answers_first(pairs: Pairs) -> None:
    right = truth(pairs) > 0
    verified = replace(pairs, facts={"gold": right.astype(np.float64)})
    found = scored(verified, kind="flip_rate")
    epsilon = found["flip_rate"].values[0]
    assert (~right).mean() < epsilon < (~right).mean() + 0.05  # the upper end of its interval
    assert found["robust_target"].values[0] == pytest.approx((1 - epsilon) / (1 - 2 * epsilon))
    noise = scored(learnable(N, seed=4, flips=0.5), kind="flip_rate")
    assert set(noise["flip_rate"].status) == {"noise_not_identified"}


def test_two_votes_of_a_pair_agree_as_often_as_two_drawn_at_random() -> None:
    votes, agreement = np.array([1.0, 2, 2, 4]), np.array([1.0, 1, 0.5, 0.75])
    assert agreeing(votes, agreement) == (2, 3)  # 1 + 0 + ½, rounded to even


def test_two_witnesses_flip_only_together(pairs: Pairs) -> None:
    right = truth(pairs) > 0
    gold = np.where(np.arange(N) < 150, right, np.nan)
    found = scored(replace(pairs, facts={"gold": gold}), kind="two_witnesses")
    action = found["action"].values
    assert ((action[:150] == 0) == right[:150]).all()
    rest = np.arange(N) >= 150
    both = (found["p_best"].values <= 0.5) & (found["p_gold"].values <= 0.5)
    assert ((action == 3) == both)[rest].all()
    assert (~right)[rest & (action == 3)].mean() > 0.5


def test_labels_spread_from_a_few_and_never_read_the_others(pairs: Pairs) -> None:
    found = scored(pairs, kind="self_refined", trusted=0.2)
    trusted = found["trusted"].values == 1
    turned = pairs.swapped()
    mixed = Pairs(
        pairs.ids, pairs.prompt_ids, pairs.prompts,
        [(p if t else q) for p, q, t in zip(pairs.chosen, turned.chosen, trusted, strict=True)],
        [(p if t else q) for p, q, t in zip(pairs.rejected, turned.rejected, trusted, strict=True)],
        {v: np.where(trusted[:, None], pairs.vectors[v], turned.vectors[v]) for v in pairs.vectors},
    )  # fmt: skip
    again = scored(mixed, kind="self_refined", trusted=0.2)
    p, q = found["p_chosen"].values, again["p_chosen"].values
    np.testing.assert_allclose(np.where(trusted, p, 1 - p), q, atol=1e-6)
    assert ((p > 0.5) == (truth(pairs) > 0))[~trusted].mean() > 0.6
