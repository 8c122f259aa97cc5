"""Tideman's method against an independent implementation, and the properties it is known for."""

from collections.abc import Sequence
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from curation.pairing.ranked_pairs import consensus, majorities

NAMES = "abcde"
ballot = st.permutations(NAMES).map(lambda order: {n: -float(i) for i, n in enumerate(order)})
tied_ballot = st.fixed_dictionaries({name: st.sampled_from([0.0, -1.0, -2.0]) for name in NAMES})
ballots = st.lists(ballot, min_size=3, max_size=9)
Ballots = Sequence[dict[str, float]]


def ahead(given: Ballots, a: str, b: str) -> int:
    return sum(one[a] > one[b] for one in given) - sum(one[b] > one[a] for one in given)


def naive_locks(given: Ballots) -> set[tuple[str, str]]:
    """Sort the majorities, try each lock, search for a way back: straight from the definition."""
    found = [(a, b) for a, b in permutations(NAMES, 2) if ahead(given, a, b) > 0]
    found.sort(key=lambda pair: (-ahead(given, *pair), pair))
    locks: set[tuple[str, str]] = set()
    for a, b in found:
        if not leads(locks, b, a):
            locks.add((a, b))
    return locks


def leads(locks: set[tuple[str, str]], start: str, end: str) -> bool:
    return start == end or any(leads(locks, b, end) for a, b in locks if a == start)


@given(st.lists(ballot | tied_ballot, min_size=1, max_size=9))
@settings(max_examples=300, deadline=None)
def test_locks_agree_with_a_naive_implementation(given: Ballots) -> None:
    found = consensus(given, by_id=True)
    locks = naive_locks(given)
    assert {(one.winner, one.loser) for one in found.locked} == locks
    reach = {(a, b) for a, b in permutations(NAMES, 2) if leads(locks, a, b)}
    assert found.beats == reach
    assert all(found.ranks[a] < found.ranks[b] for a, b in reach)


@given(ballots)
@settings(max_examples=300, deadline=None)
def test_without_equal_majorities_nothing_depends_on_the_ids(given: Ballots) -> None:
    margins = [one.margin for one in majorities(given)]
    if len(set(margins)) == len(margins):
        assert consensus(given) == consensus(given, by_id=True)


@given(ballots, st.permutations(NAMES))
@settings(max_examples=200, deadline=None)
def test_other_names_give_the_same_result_renamed(given: Ballots, names: list[str]) -> None:
    other = dict(zip(NAMES, names, strict=True))
    renamed = [{other[name]: score for name, score in one.items()} for one in given]
    expected = {(other[a], other[b]) for a, b in consensus(given).beats}
    assert consensus(renamed).beats == expected


@given(ballots)
@settings(max_examples=200, deadline=None)
def test_the_order_of_the_ballots_changes_nothing(given: Ballots) -> None:
    assert consensus(given) == consensus(list(reversed(given)))


@given(ballots)
@settings(max_examples=300, deadline=None)
def test_who_beats_everyone_wins_and_who_loses_to_everyone_is_last(given: Ballots) -> None:
    ranks = consensus(given).ranks
    for name in NAMES:
        margins = [ahead(given, name, other) for other in NAMES if other != name]
        if all(margin > 0 for margin in margins):
            assert [one for one in NAMES if ranks[one] == 0] == [name]
        if all(margin < 0 for margin in margins):
            assert [one for one in NAMES if ranks[one] == max(ranks.values())] == [name]


@given(ballots)
@settings(max_examples=200, deadline=None)
def test_what_all_agree_on_is_kept_and_the_result_has_no_cycle(given: Ballots) -> None:
    found = consensus(given)
    for a, b in permutations(NAMES, 2):
        if ahead(given, a, b) == len(given):
            assert (a, b) in found.beats
        assert not ((a, b) in found.beats and (b, a) in found.beats)
    assert sorted(set(found.ranks.values())) == list(range(max(found.ranks.values()) + 1))
