"""S15: what labels express is found, named and gone under permutation; nothing at equal length."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import false_discovery_control

from curation.items import Floats
from curation.structure.dictionary import dictionary
from curation.structure.expressions import (
    benjamini_hochberg,
    expressions,
    held_out_auc,
    win_rate_change,
)
from curation.structure.naming import names

NONE = np.zeros((1200, 0))


def sparse(n: int = 1200, features: int = 12, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, features)) * (rng.random((n, features)) < 0.2)


def labels(utility: Floats, seed: int = 0) -> NDArray[np.bool_]:
    return np.random.default_rng(100 + seed).random(len(utility)) < expit(utility)


def test_the_worked_change_of_win_rate() -> None:
    assert win_rate_change(0.8, 0.2, np.array([1.0, -1.0])) == pytest.approx(0.377, abs=5e-4)
    assert win_rate_change(0.8, 0.0, np.array([0.0, 1.0])) == pytest.approx(2 * expit(0.8) - 1)
    assert win_rate_change(0.8, 0.0, np.zeros(3)) == 0


def test_an_attribute_of_three_in_ten_responses_comes_first_and_goes_with_permuted_labels() -> None:
    rng = np.random.default_rng(0)
    direction = np.linalg.qr(rng.normal(size=(40, 1)))[0].T
    has = (rng.random(1200) < 0.3) * 1.0 - (rng.random(1200) < 0.3)
    vectors = 0.1 * rng.normal(size=(1200, 40)) + has[:, None] * direction
    found = dictionary(vectors, features=12, active=3)
    planted = int(np.abs(found.decoder @ direction.T).argmax())
    better = labels(1.2 * has)
    first = expressions(found.activations, NONE, better, np.arange(1200))[0]
    assert first.feature == planted
    assert first.p_value < 0.01
    assert first.q_value < 0.01
    assert np.sign(first.coefficient) == np.sign(found.decoder[planted] @ direction[0])
    permuted = better ^ (rng.random(1200) < 0.5)
    left = expressions(found.activations, NONE, permuted, np.arange(1200))
    assert min(each.p_value for each in left) > 0.05


def test_without_a_preference_one_set_in_twenty_shows_one() -> None:
    z = sparse(400)
    least = [
        min(
            each.p_value
            for each in expressions(
                z, NONE[:400], labels(np.zeros(400), seed), np.arange(400), draws=199, seed=seed
            )
        )
        for seed in range(60)
    ]
    assert np.mean(np.array(least) <= 0.05) <= 0.14


def test_intervals_cover_the_planted_effect() -> None:
    inside = 0
    for seed in range(60):
        z = sparse(600, 2, seed)
        size = float(np.sqrt((z[:, 0] ** 2).mean()))
        better = labels(0.7 * z[:, 0] / size, seed)
        each = expressions(z, NONE[:600], better, np.arange(600), draws=9)
        one = next(found for found in each if found.feature == 0)
        inside += one.low <= 0.7 <= one.high
    assert 53 <= inside <= 60


def test_a_feature_of_long_responses_is_not_what_labels_for_length_express() -> None:
    z = sparse()
    length = z[:, :1] + 0.5 * np.random.default_rng(1).normal(size=(1200, 1))
    better = labels(1.5 * length[:, 0])
    naive = expressions(z, NONE, better, np.arange(1200))[0]
    assert (naive.feature, naive.p_value < 0.01) == (0, True)
    held = {each.feature: each for each in expressions(z, length, better, np.arange(1200))}
    assert held[0].p_value > 0.05
    assert held[0].low < 0 < held[0].high


def test_labels_of_one_prompt_count_as_one() -> None:
    z = sparse(300)
    better = labels(0.3 * z[:, 0])
    one = expressions(z, NONE[:300], better, np.arange(300))
    repeated = expressions(
        np.repeat(z, 9, axis=0), np.zeros((2700, 0)), np.repeat(better, 9),
        np.repeat(np.arange(300), 9),
    )  # fmt: skip
    for each, again in zip(one, repeated, strict=True):
        assert each.feature == again.feature
        assert again.p_value == pytest.approx(each.p_value, abs=0.02)
        assert again.high - again.low == pytest.approx(each.high - each.low, rel=0.1)


def test_exchanging_a_and_b_changes_no_expression() -> None:
    z = sparse()
    length = np.random.default_rng(1).normal(size=(1200, 1))
    better, groups = labels(0.4 * z[:, 0] + length[:, 0]), np.arange(1200) // 2
    turn = np.random.default_rng(2).random(1200) < 0.5
    sign = np.where(turn, -1.0, 1.0)[:, None]
    turned = expressions(z * sign, length * sign, better ^ turn, groups)
    for one, other in zip(expressions(z, length, better, groups), turned, strict=True):
        assert one.feature == other.feature
        assert (one.coefficient, one.high, one.change, one.p_value) == pytest.approx(
            (other.coefficient, other.high, other.change, other.p_value)
        )


def test_features_of_a_handful_of_pairs_are_not_tested() -> None:
    z = np.zeros((300, 2))
    z[:19, 0], z[:20, 1] = 1, 1
    better = labels(np.zeros(300))
    assert [e.feature for e in expressions(z, NONE[:300], better, np.arange(300))] == [1]
    assert expressions(z[:, :1], NONE[:300], better, np.arange(300)) == []


def test_false_discoveries_are_counted_as_scipy_counts_them() -> None:
    p = np.random.default_rng(0).random(50) ** 2
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p))


def test_the_auc_is_of_labels_that_were_not_seen() -> None:
    z = sparse()
    better = labels(3 * z[:, 0])
    assert held_out_auc(z, better, np.arange(1200)) > 0.58
    assert held_out_auc(z, labels(np.zeros(1200)), np.arange(1200)) == pytest.approx(0.5, abs=0.05)
    assert held_out_auc(np.zeros((1200, 1)), better, np.arange(1200)) == 0.5


def spoken(seed: int = 0) -> tuple[Floats, list[tuple[str, str]]]:
    """Feature 0 is being sorry, feature 1 nothing that words tell."""
    rng = np.random.default_rng(seed)
    words = np.array(["river", "bread", "song", "map", "train", "garden", "winter", "tools"])
    sorry = rng.random((600, 2)) < 0.3
    texts = [
        " ".join([*rng.choice(words, 5), *(["Sorry", "apologies"] if has else [])])
        for has in sorry.ravel()
    ]
    z = np.column_stack([sorry[:, 0] * 1.0 - sorry[:, 1], rng.choice([-1.0, 0, 1], 600)])
    return z, list(zip(texts[::2], texts[1::2], strict=True))


def test_a_name_is_made_of_the_words_and_confirmed_on_other_pairs() -> None:
    z, texts = spoken()
    sorry, nothing = names(z, texts)
    assert set(sorry.more) == {"sorry", "apologies"}
    assert sorry.less == ()
    assert sorry.holds
    assert sorry.correlation > 0.9
    assert sorry.checked >= 100
    assert not nothing.holds


def test_exchanging_a_and_b_changes_no_name() -> None:
    z, texts = spoken()
    assert names(-z, [(b, a) for a, b in texts]) == names(z, texts)
