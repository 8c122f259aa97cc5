"""Agreement of raters: against loops, in its limits, and whatever the raters are called."""

import numpy as np
import pytest
from numpy.typing import NDArray

from curation.audit.ratings import Ratings, of_aspects
from curation.items import Floats


def ratings(things: NDArray[np.int64], raters: NDArray[np.int64], values: Floats) -> Ratings:
    zero = np.zeros(len(values), np.int64)
    n = int(raters.max(initial=-1)) + 1
    named, names = np.ones(n, bool), [f"r{k}" for k in range(n)]
    return Ratings(things, raters, zero, zero - 1, values, named, names, ["taste"])


def drawn(seed: int, things: int = 40, raters: int = 4) -> Ratings:
    """A third of the ratings is missing."""
    rng = np.random.default_rng(seed)
    cells = np.flatnonzero(rng.random(things * raters) < 0.67)
    what, who = cells // raters, cells % raters
    quality = rng.integers(1, 6, things)
    values = np.clip(quality[what] + rng.integers(-1, 2, len(cells)), 1, 5).astype(float)
    return ratings(what, who, values)


def interval_alpha(found: Ratings) -> float:
    """1 − observed / expected squared differences, by loops (Krippendorff 2011)."""
    units = [found.values[found.things == thing] for thing in np.unique(found.things)]
    units = [unit for unit in units if len(unit) > 1]
    observed = sum(
        sum((x - y) ** 2 for x in unit for y in unit) / (len(unit) - 1) for unit in units
    )
    every = np.concatenate(units)
    expected = sum((x - y) ** 2 for x in every for y in every) / (len(every) - 1)
    return float(1 - observed / expected)


@pytest.mark.parametrize("seed", range(3))
def test_alpha_is_that_of_its_definition(seed: int) -> None:
    (found,) = of_aspects(drawn(seed))
    assert found.alpha_interval == pytest.approx(interval_alpha(drawn(seed)))


def test_raters_that_always_agree_and_lone_ratings() -> None:
    twice = np.repeat(np.arange(10), 2)
    (same,) = of_aspects(ratings(twice, np.tile([0, 1], 10), (twice % 5).astype(float)))
    assert (same.alpha_interval, same.alpha_ordinal, same.fleiss) == (1, 1, 1)
    assert (same.unanimous, same.apart) == (1, 0)
    assert [round(each.correlation, 5) for each in same.raters] == [1, 1]
    (lone,) = of_aspects(ratings(np.arange(5), np.zeros(5, np.int64), np.arange(5.0)))
    for value in (lone.alpha_interval, lone.fleiss, lone.unanimous, lone.raters[0].correlation):
        assert np.isnan(value)
    nothing = ratings(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    assert of_aspects(nothing)[0].ratings == 0


def test_a_rater_who_is_lenient_and_one_who_guesses() -> None:
    rng = np.random.default_rng(0)
    quality = rng.normal(size=100)
    values = np.concatenate([quality, quality, quality + 1, rng.normal(size=100)])
    things, who = np.tile(np.arange(100), 4), np.repeat(np.arange(4), 100)
    (found,) = of_aspects(ratings(things, who, values))
    plain, _, lenient, guessing = found.raters
    assert lenient.lenience == pytest.approx(1, abs=0.2)
    assert plain.low > guessing.high
    assert guessing.low < 0 < guessing.high


def test_who_rates_again_does_not_agree_with_oneself() -> None:
    one = ratings(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([1.0, 2, 3, 3]))
    again = ratings(
        np.array([0, 0, 0, 1, 1]), np.array([0, 1, 0, 0, 1]), np.array([1.0, 2, 1, 3, 3])
    )
    assert of_aspects(one)[0].alpha_interval == of_aspects(again)[0].alpha_interval


def test_other_names_for_the_raters_change_nothing() -> None:
    found = drawn(0)
    turned = ratings(found.things, 3 - found.raters, found.values)
    one, other = of_aspects(found)[0], of_aspects(turned)[0]
    assert one.alpha_ordinal == pytest.approx(other.alpha_ordinal)
    assert one.fleiss == pytest.approx(other.fleiss)
    np.testing.assert_allclose(one.doubts, other.doubts)
    assert (one.low < one.high)[one.order].tolist() == sorted(one.low < one.high, reverse=True)
