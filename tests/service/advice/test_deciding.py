"""The rule by which advice recommends: limits, ties, corrections, and what must not matter."""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest

from curation.evaluation.heads import HEADS
from service.advice.deciding import (
    CHANCE,
    LEAST_SPLITS,
    Accuracies,
    Measured,
    chance,
    decide,
)

FREE: dict[str, float] = {}


def splits(gains: Sequence[float], other: Sequence[float] | None = None) -> list[Measured]:
    """With these gains over random, of the second head `other`."""
    by_head = dict(zip(HEADS, (gains, gains if other is None else other), strict=True))
    return [
        Measured(0, n, 80, 20, 8, {
            head: Accuracies(0.6 + values[n], 0.6, 0.7) for head, values in by_head.items()
        })
        for n in range(len(gains))
    ]  # fmt: skip


def noisy(mean: float, spread: float = 0.01, n: int = 10, seed: int = 0) -> list[Measured]:
    drawn = np.random.default_rng(seed).standard_normal(n)
    drawn = (drawn - drawn.mean()) / drawn.std(ddof=1)
    return splits((mean + spread * drawn).tolist())


def test_the_p_value_is_that_of_the_corrected_resampled_t_test_worked_by_hand() -> None:
    # mean .02, s² = .0001, n = 10, n_test/n_train = .25: t = .02 / √(.35 · .0001) = 3.3806, df 9
    values = [one.heads["independent"].recipe - 0.6 for one in noisy(0.02)]
    assert chance(values, 0.25) == pytest.approx(0.00406, abs=2e-5)


def test_nothing_measured_recommends_nothing() -> None:
    assert decide({}, FREE).recommended is None
    found = decide({"few": noisy(0.5, n=LEAST_SPLITS - 1)}, FREE)
    assert (found.recommended, found.confidence, found.verdicts) == (None, 0.0, {})


def test_one_recipe_needs_no_correction() -> None:
    found = decide({"one": noisy(0.02)}, FREE)
    verdict = found.verdicts["one"]
    assert found.recommended == "one"
    assert found.confidence == pytest.approx(1 - 0.00406, abs=2e-5)
    assert verdict.least["independent"] == pytest.approx(verdict.gain["independent"].low)


def test_the_more_recipes_are_compared_the_surer_one_must_be() -> None:
    lost = {f"lost_{n}": noisy(-0.01, seed=n) for n in range(8)}
    alone = decide({"one": noisy(0.02)}, FREE)
    among = decide({"one": noisy(0.02), **lost}, FREE)
    assert alone.recommended == "one"
    assert among.recommended is None
    assert 1 - among.confidence == pytest.approx(9 * (1 - alone.confidence))
    assert among.verdicts["one"].gain == alone.verdicts["one"].gain
    least = among.verdicts["one"].least["independent"]
    assert least is not None
    assert least < 0


def test_both_heads_must_gain() -> None:
    found = decide({"artefact": splits([0.05, 0.06] * 5, [0.0, -0.01] * 5)}, FREE)
    assert found.recommended is None
    assert found.verdicts["artefact"].p > 0.5


def test_better_is_what_has_its_corrected_lower_end_above_random_for_both_heads() -> None:
    measured = {f"r{n}": noisy(0.004 * n, seed=n) for n in range(8)}
    found = decide(measured, FREE)
    better = {name for name, one in found.verdicts.items() if one.better}
    assert better
    for name, one in found.verdicts.items():
        assert (one.p <= CHANCE) == (name in better)
        if name in better:
            assert all(low is not None and low > 0 for low in one.least.values())


def test_of_recipes_that_cannot_be_told_apart_the_cheapest_is_recommended() -> None:
    measured = {"dear": noisy(0.031, seed=1), "cheap": noisy(0.030, seed=2)}
    found = decide(measured, {"dear": 9, "cheap": 1})
    assert found.recommended == "cheap"
    assert found.tied == ("cheap", "dear")
    assert decide(measured, {"dear": 1, "cheap": 9}).recommended == "dear"
    assert decide(measured, {"dear": 1, "cheap": 1}).recommended == "cheap"  # by name


def test_a_cheap_recipe_that_is_shown_to_be_worse_than_the_best_is_not() -> None:
    measured = {"dear": noisy(0.09, seed=1), "cheap": noisy(0.02, seed=1)}
    found = decide(measured, {"dear": 9, "cheap": 1})
    assert (found.recommended, found.tied) == ("dear", ("dear",))


def test_the_order_of_recipes_and_of_splits_changes_nothing() -> None:
    measured = {f"r{n}": noisy(0.01 * n, seed=n) for n in range(4)}
    first = decide(measured, FREE)
    for order in permutations(measured):
        assert decide({name: measured[name][::-1] for name in order}, FREE) == first


def test_gains_without_spread_are_certain_and_none_at_all_is_no_gain() -> None:
    assert decide({"sure": splits([0.01] * 10)}, FREE).confidence == 1
    assert decide({"random": splits([0.0] * 10)}, FREE).recommended is None
    assert decide({"worse": splits([-0.01] * 10)}, FREE).verdicts["worse"].p == 1
