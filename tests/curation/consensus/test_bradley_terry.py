"""Plain Bradley–Terry: choix, counting against not counting, and comparisons that say little."""

import choix
import numpy as np
import pytest
from scipy.special import expit

from curation.consensus.bradley_terry import bradley_terry, counted
from curation.structure.logistic import fit


def matches(n: int, responses: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    strength = rng.normal(size=responses)
    a = rng.integers(0, responses, n)
    b = (a + rng.integers(1, responses, n)) % responses
    return a, b, np.where(rng.random(n) < expit(strength[a] - strength[b]), 0, 1), strength


@pytest.mark.parametrize("ridge", [0.01, 1.0])
@pytest.mark.parametrize("responses", [6, 200])
def test_it_is_that_of_choix(responses: int, ridge: float) -> None:
    a, b, said, _ = matches(900, responses)
    data = list(zip(np.where(said, b, a).tolist(), np.where(said, a, b).tolist(), strict=True))
    theirs = choix.opt_pairwise(responses, data, alpha=ridge / 2, tol=1e-10)
    ours = bradley_terry(a, b, said, responses, ridge)
    assert ours == pytest.approx(theirs - np.mean(theirs), abs=2e-3)


def test_ties_are_half_a_win_each() -> None:
    a, b, said, _ = matches(300, 8)
    said[::3] = 2
    rows = np.concatenate([np.arange(300), np.flatnonzero(said == 2)])
    sides = np.concatenate([np.where(said == 1, -1.0, 1.0), np.full((said == 2).sum(), -1.0)])
    design = np.zeros((len(rows), 8))
    design[np.arange(len(rows)), a[rows]] = sides
    design[np.arange(len(rows)), b[rows]] = -sides
    weights = np.where(said[rows] == 2, 0.5, 1.0)
    expected = fit(design, 0.3, weights).weights
    assert bradley_terry(a, b, said, 8, 0.3) == pytest.approx(expected, abs=1e-4)


def test_strengths_are_found_and_sides_names_and_order_do_not_matter() -> None:
    a, b, said, strength = matches(20_000, 30)
    found = bradley_terry(a, b, said, 30)
    assert np.corrcoef(found, strength)[0, 1] > 0.99
    rng = np.random.default_rng(1)
    turn, rows, names = rng.random(20_000) < 0.5, rng.permutation(20_000), rng.permutation(30)
    one, other = np.where(turn, b, a), np.where(turn, a, b)
    back = bradley_terry(
        names[one][rows], names[other][rows], np.where(turn, 1 - said, said)[rows], 30
    )
    assert back[names] == pytest.approx(found, abs=1e-3)


@pytest.mark.parametrize("responses", [3, 1000])
def test_counting_and_sorting_count_the_same(responses: int) -> None:
    """A thousand responses meet seldom: those are sorted."""
    a, b = np.array([0, 1, 2, 1, 1]), np.array([1, 0, 1, 2, 1])
    low, high, share, times = counted(a, b, np.array([0, 0, 1, 2, 0]), responses)
    assert (low.tolist(), high.tolist()) == ([0, 1], [1, 2])
    assert (share.tolist(), times.tolist()) == ([0.5, 0.75], [2, 2])


def test_comparisons_that_say_little_have_a_finite_answer() -> None:
    none = np.zeros(0, np.int64)
    assert bradley_terry(none, none, none, 0).shape == (0,)
    assert bradley_terry(none, none, none, 3).tolist() == [0, 0, 0]
    one = np.zeros(50, np.int64)
    assert bradley_terry(one, one, one, 2).tolist() == [0, 0]
    always = bradley_terry(one, one + 1, one, 4)
    assert np.isfinite(always).all()
    assert always[0] == pytest.approx(-always[1])
    assert always[2:].tolist() == [0, 0]
    assert bradley_terry(one, one + 1, one + 2, 2) == pytest.approx(0)
    with pytest.raises(ValueError, match="ridge"):
        bradley_terry(one, one, one, 2, 0.0)
