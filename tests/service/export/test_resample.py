"""A resampled dataset has, in expectation, the loss that weights and soft labels would give."""

from collections import Counter
from dataclasses import replace
from math import ceil, floor, inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.export.layout import TrainingPair
from service.export.resample import resample
from tests.service.trainers.pairs import PAIRS, pair

MANY = 20_000


def many(**changes: float) -> list[TrainingPair]:
    return [replace(pair(index), **changes) for index in range(MANY)]


def test_a_weight_of_one_changes_nothing() -> None:
    assert list(resample(PAIRS, 0)) == PAIRS


def test_no_weight_no_row() -> None:
    assert list(resample(many(weight=0.0), 0)) == []


@given(st.floats(0, 5), st.integers(0, 2**31))
def test_a_pair_comes_as_often_as_its_weight_rounded_down_or_up(weight: float, seed: int) -> None:
    count = len(list(resample([pair(0, weight=weight)], seed)))
    assert count in (floor(weight), ceil(weight))


@pytest.mark.parametrize("weight", [0.25, 1.5, 2.75])
def test_the_mean_multiplicity_is_the_weight(weight: float) -> None:
    """Five standard deviations of a binomial share: 1 in 2 million for a right program."""
    mean = len(list(resample(many(weight=weight), 0))) / MANY
    assert mean == pytest.approx(weight, abs=5 * 0.5 / MANY**0.5)


@pytest.mark.parametrize("label", [0.0, 0.2, 0.9, 1.0])
def test_the_share_of_unswapped_copies_is_the_soft_label(label: float) -> None:
    copies = list(resample(many(weight=2.0, soft_label=label), 3))
    kept = sum(copy.chosen[0]["content"].startswith("good") for copy in copies)
    assert len(copies) == 2 * MANY
    assert kept / len(copies) == pytest.approx(label, abs=5 * 0.5 / (2 * MANY) ** 0.5)
    assert {(copy.weight, copy.soft_label) for copy in copies} == {(1.0, None)}


def test_a_swapped_copy_swaps_all_that_is_about_its_sides() -> None:
    [copy] = resample([pair(4, soft_label=0.0)], 0)
    assert (copy.chosen, copy.rejected) == (PAIRS[4].rejected, PAIRS[4].chosen)
    assert (copy.margin, copy.score_chosen, copy.score_rejected) == (-1.0, 1.0, 2.0)


def test_copies_depend_on_seed_and_id_and_not_on_the_other_pairs() -> None:
    pairs = [replace(pair(index), weight=index % 4 / 3) for index in range(200)]
    whole = Counter(copy.pair_id for copy in resample(pairs, 7))
    alone = Counter(copy.pair_id for each in reversed(pairs) for copy in resample([each], 7))
    assert whole == alone
    assert whole != Counter(copy.pair_id for copy in resample(pairs, 8))


@pytest.mark.parametrize(
    "wrong",
    [pair(0, weight=-1.0), pair(0, weight=nan), pair(0, weight=inf), pair(0, soft_label=1.1)],
)
def test_what_is_no_weight_and_no_probability_is_refused(wrong: TrainingPair) -> None:
    with pytest.raises(ValueError, match="pair-0"):
        list(resample([wrong], 0))
