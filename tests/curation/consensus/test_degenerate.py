"""Votes that say next to nothing, too much of one thing, or the opposite of each other."""

import warnings

import numpy as np
import pytest

from curation.consensus import Votes
from curation.consensus.noisy_bradley_terry import Judgments, noisy_bradley_terry
from curation.consensus.votes import NONE, Anchors
from tests.curation.consensus.methods import METHODS, Method

ITEMS, WHO = np.divmod(np.arange(12), 3)  # 4 items, 3 annotators, everyone on everything
TWICE = np.repeat(np.arange(50), 2)


def votes(items: object, who: object, said: object, n_items: int, n_annotators: int) -> Votes:
    one, two, three = (np.asarray(column, np.int64).ravel() for column in (items, who, said))
    return Votes(one, two, three, n_items, n_annotators)


CASES = {
    "no item at all": votes([], [], [], 0, 0),
    "items without votes": votes([], [], [], 3, 2),
    "one vote": votes([0], [0], [0], 1, 1),
    "one vote among many items": votes([2], [1], [1], 5, 4),
    "one tie": votes([0], [0], [2], 1, 1),
    "one annotator": votes(np.arange(6), [0] * 6, [0, 1, 0, 1, 2, 0], 6, 1),
    "one item": votes([0] * 5, np.arange(5), [0, 0, 1, 2, 0], 1, 5),
    "all ties": votes(ITEMS, WHO, [2] * 12, 4, 3),
    "all the same": votes(ITEMS, WHO, [0] * 12, 4, 3),
    "split evenly": votes([0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0], 2, 2),
    "the opposite of each other": votes(TWICE, [0, 1] * 50, [0, 1] * 50, 50, 2),
    "the same vote a thousand times": votes([0] * 1000, [0] * 1000, [0] * 1000, 2, 2),
    "someone against themselves": votes([0] * 10, [0] * 10, [0, 1] * 5, 1, 1),
    "parts that share nothing": votes([0, 1, 2, 3], [0, 0, 1, 1], [0, 1, 0, 0], 4, 2),
    "unanimous and huge": votes(np.arange(1800) // 600, np.arange(1800) % 600, [0] * 1800, 3, 600),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_the_answer_is_finite_the_same_again_and_without_a_warning(
    method: Method, case: str
) -> None:
    given = CASES[case]
    anchors = Anchors.of([(0, True)]) if given.n_items else NONE
    if method is METHODS["anchored"] and not given.n_items:
        with pytest.raises(ValueError, match="at least one anchor"):
            method(given, anchors)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, again = method(given, anchors), method(given, anchors)
    assert found.p_a.shape == (given.n_items,)
    assert found.reliability.shape == (given.n_annotators,)
    assert ((found.p_a >= 0) & (found.p_a <= 1)).all()
    if method is not METHODS["bradley_terry"]:  # its abilities have no such bounds
        known = found.reliability[np.isfinite(found.reliability)]
        assert ((known >= 0) & (known <= 1)).all()
    else:
        assert np.isfinite(found.reliability).all()
    assert np.array_equal(found.p_a, again.p_a)
    silent = np.bincount(given.items, minlength=given.n_items) == 0
    silent[anchors.items] = False
    assert found.p_a[silent] == pytest.approx(0.5)


@pytest.mark.parametrize("method", [m for name, m in METHODS.items() if name != "anchored"])
def test_votes_that_cancel_leave_even_odds(method: Method) -> None:
    given = CASES["the opposite of each other"]
    assert method(given, NONE).p_a == pytest.approx(0.5, abs=0.01)


def test_responses_that_meet_themselves_or_never_stay_even() -> None:
    same = np.zeros(4, np.int64)
    found = noisy_bradley_terry(Judgments(same, same, same, np.array([0, 1, 2, 0]), 3, 1))
    assert found.strength == pytest.approx(0, abs=1e-6)
    ties = np.array([0, 1, 2])
    found = noisy_bradley_terry(Judgments(ties, ties + 1, ties * 0, ties * 0 + 2, 4, 1))
    assert np.isfinite([found.ties, found.length, *found.strength]).all()
    assert found.strength == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("bad", [-1, 3])
def test_votes_outside_what_there_is_are_refused(bad: int) -> None:
    for column in range(3):
        columns = [[0], [0], [0]]
        columns[column] = [bad]
        with pytest.raises(ValueError, match="index"):
            votes(columns[0], columns[1], columns[2], 3, 3)
    with pytest.raises(ValueError, match="length"):
        votes([0, 1], [0], [0], 3, 3)
