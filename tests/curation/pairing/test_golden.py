"""The worked numbers of the papers and of the design: C01, C02, C07, C08a."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from curation.pairing import Built
from curation.pairing.labels import Judged, Ranked, Rated, Vote
from curation.pairing.ranked_pairs import consensus
from curation.pairing.rankings import tier_scores
from tests.curation.pairing.judging import ballots, candidates, gaps, ordered, policy, rated

FOUR = rated({"0": 4, "1": 2, "2": 4, "3": 1})


def test_best_vs_worst_takes_the_first_of_the_best_and_the_worst() -> None:
    assert gaps(policy("best_vs_worst").build(FOUR)) == [("0", "3", 3)]


def test_all_pairs_with_a_gap_of_two() -> None:
    built = policy("all_pairs", min_gap=2).build(FOUR)
    assert gaps(built) == [("0", "1", 2), ("0", "3", 3), ("2", "1", 2), ("2", "3", 3)]
    assert built.skipped == {"tie": 1, "below_min_gap": 1, "unrated_response": 0}


def test_best_vs_random_draws_every_other_one_equally_often() -> None:
    drawn = [ordered(policy("best_vs_random", seed=seed).build(FOUR))[0] for seed in range(600)]
    assert {chosen for chosen, _ in drawn} == {"0"}
    counts = [sum(rejected == other for _, rejected in drawn) for other in "13"]
    assert sum(counts) == 600
    assert 240 < counts[0] < 360  # 5 standard deviations of a fair coin


def two_stages(scores: Mapping[str, float], *beaten: str, **fields: Any) -> Built:
    """`beaten`: a comparison each, the better response first."""
    given = rated(scores)
    votes = [Vote(better, worse, "a", f"ann{i}") for i, (better, worse) in enumerate(beaten)]
    return policy("two_stage", **fields).build(replace(given, votes=votes))


def test_two_stage_sifts_the_winners_and_the_losers_of_disjoint_pairs() -> None:
    """UnifiedReward: a > b and c > d, then the scores; d is no loser of the best-vs-worst kind."""
    scores = {"a": 1, "b": 2, "c": 5, "d": 3}
    assert gaps(two_stages(scores, "ab", "cd")) == [("c", "b", 3)]
    assert gaps(policy("best_vs_worst").build(rated(scores))) == [("c", "a", 4)]


def test_two_stage_counts_won_against_lost_where_a_response_was_compared_often() -> None:
    scores = {"a": 4, "b": 5, "c": 1}
    assert gaps(two_stages(scores, "ab", "bc", "ac")) == [("a", "c", 3)]  # b: one won, one lost


@pytest.mark.parametrize(
    ("scores", "beaten", "reason"),
    [
        ({"a": 1, "b": 2}, ["ab"], "stages_disagree"),
        ({"a": 2, "b": 2}, ["ab"], "tie"),
        ({"a": 2, "b": 1}, [], "no_comparison"),
        ({"a": 2, "b": 1, "c": 3}, ["ab", "bc", "ca"], "one_sided"),  # a cycle: all are even
    ],
)
def test_two_stage_says_why_it_builds_no_pair(
    scores: Mapping[str, float], beaten: list[str], reason: str
) -> None:
    built = two_stages(scores, *beaten)
    assert (built.pairs, built.skipped[reason]) == ([], 1)


def test_two_stage_has_a_least_gap_and_takes_the_next_worst_of_another_model() -> None:
    scores = {"a": 4, "b": 1, "c": 5, "d": 3}
    assert two_stages(scores, "ab", "cd", min_gap=5).skipped["below_min_gap"] == 1
    given = rated(scores)
    same = {**given.candidates, "b": given.candidates["b"]._replace(model="model of c")}
    votes = [Vote("a", "b", "a"), Vote("c", "d", "a")]
    rules = policy("two_stage", cross_model_only=True)
    assert gaps(rules.build(replace(given, candidates=same, votes=votes))) == [("c", "d", 2)]


def test_curry_goes_from_the_widest_gap_to_the_narrowest() -> None:
    built = policy("curry").build(rated({"a": 9, "b": 7, "c": 4, "d": 2}))
    assert gaps(built) == [("a", "d", 7), ("a", "c", 5), ("a", "b", 2)]
    assert [pair.stage for pair in built.pairs] == [1, 2, 3]


def test_curry_gives_ties_no_stage_and_stops_where_it_is_told() -> None:
    scores = rated({"a": 9, "b": 9, "c": 4, "d": 2})
    built = policy("curry").build(scores)
    assert [(pair.rejected, pair.stage) for pair in built.pairs] == [("d", 1), ("c", 2)]
    assert built.skipped["tie"] == 1
    assert len(policy("curry", stages=1).build(scores).pairs) == 1


OASST = ballots((1, "wxzy"), (2, "wyxz"), (5, "xzwy"), (1, "ywxz"))
CYCLE = ballots((4, "abc"), (3, "bca"), (2, "cab"))


@pytest.mark.parametrize("by_id", [True, False])
def test_ranked_pairs_locks_the_majorities_of_tidemans_example(by_id: bool) -> None:
    found = consensus(scores_of(OASST), by_id=by_id)
    locks = [(one.winner + one.loser, one.margin) for one in found.locked]
    assert locks == [("xz", 9), ("wy", 7), ("xy", 3), ("zy", 3), ("xw", 1), ("zw", 1)]
    assert sorted(found.ranks, key=lambda id: found.ranks[id]) == ["x", "z", "w", "y"]
    assert (sorted(found.ranks.values()), found.dropped) == ([0, 1, 2, 3], [])


@pytest.mark.parametrize("by_id", [True, False])
def test_ranked_pairs_drops_the_weakest_majority_of_a_cycle(by_id: bool) -> None:
    found = consensus(scores_of(CYCLE), by_id=by_id)
    assert [(one.winner + one.loser, one.margin) for one in found.locked] == [("bc", 5), ("ab", 3)]
    assert [(one.winner + one.loser, one.margin) for one in found.dropped] == [("ca", 1)]
    assert found.ranks == {"a": 0, "b": 1, "c": 2}


def scores_of(judged: Judged) -> list[dict[str, float]]:
    return [tier_scores(ranking, set(judged.candidates)) for ranking in judged.rankings]


def test_pairs_of_a_consensus_are_all_or_adjacent() -> None:
    by = {"label": "ranked_pairs"}
    assert gaps(policy("adjacent", by=by).build(OASST)) == [
        ("x", "z", 1), ("z", "w", 1), ("w", "y", 1),
    ]  # fmt: skip
    every = policy("all_pairs", by=by).build(OASST)
    assert [a + b for a, b in ordered(every)] == ["xz", "xw", "xy", "zw", "zy", "wy"]
    assert [(pair.votes, round(pair.agreement * 9)) for pair in every.pairs] == [
        (9, 9), (9, 5), (9, 6), (9, 5), (9, 6), (9, 8),
    ]  # fmt: skip


def test_a_consensus_needs_three_rankings_and_common_responses() -> None:
    by = {"label": "ranked_pairs"}
    two = policy("all_pairs", by=by).build(ballots((2, "abc")))
    assert (two.pairs, two.skipped["too_few_rankings"]) == ([], 1)
    partial = ballots((2, "abc"), (1, "ab"))
    built = policy("all_pairs", by=by).build(partial)
    assert (ordered(built), built.skipped["not_in_all_rankings"]) == ([("a", "b")], 1)


def test_a_cycle_of_equal_majorities_decides_nothing() -> None:
    """OASST settles it by id; here it is a result."""
    equal = ballots((1, "abc"), (1, "bca"), (1, "cab"))
    built = policy("all_pairs", by={"label": "ranked_pairs"}).build(equal)
    assert (built.pairs, built.skipped["majority_in_cycle"]) == ([], 3)
    by_id = {"label": "ranked_pairs", "tied_majorities": "by_id"}
    assert [a + b for a, b in ordered(policy("all_pairs", by=by_id).build(equal))] == [
        "ab", "ac", "bc",
    ]  # fmt: skip


def test_siblings_of_every_turn_are_a_correct_and_an_incorrect_one() -> None:
    """UltraInteract: the wrong action of turn 1 is continued, and its children are turn 2."""
    turns = {"turn 1": (["good"], ["bad", "worse"]), "turn 2": (["fixed"], ["still bad"])}
    built = {
        turn: policy("correct_vs_incorrect").build(
            Judged(turn, candidates([*better, *worse]), gold=[(better, worse)])
        )
        for turn, (better, worse) in turns.items()
    }
    assert [len(one.pairs) for one in built.values()] == [1, 1]
    assert ordered(built["turn 1"])[0] in [("good", "bad"), ("good", "worse")]
    assert ordered(built["turn 2"]) == [("fixed", "still bad")]
    every = policy("correct_vs_incorrect", each="all")
    assert len(every.build(Judged("p", candidates("xyz"), gold=[("x", "yz")])).pairs) == 2


def test_step_values_of_siblings_are_paired_from_a_gap_on() -> None:
    """Tree-PLV: 6 of 8 against 1 of 8 rollouts; .625 >= .5 stays."""
    values = rated({"a": 6 / 8, "b": 1 / 8, "c": 4 / 8})
    built = policy("all_pairs", min_gap=0.5).build(values)
    assert gaps(built) == [("a", "b", 0.625)]


def test_sibling_ranks_of_a_tree_are_paired_by_their_neighbours() -> None:
    node = Judged("p", candidates("abc"), rankings=[Ranked([["b"], ["a", "c"]])])
    assert ordered(policy("adjacent").build(node)) == [("b", "a"), ("b", "c")]
    assert ordered(policy("top_vs_rest").build(node)) == [("b", "a"), ("b", "c")]
    assert policy("all_pairs", by={"label": "rankings"}).build(node).skipped["tie"] == 1


def test_thumbs_pair_the_liked_with_the_disliked_of_a_prompt() -> None:
    given = {"a": [1, 1, 0], "b": [0, 0, 1], "c": [0, 1], "d": [0]}
    thumbs = [
        Rated(name, value, f"ann{i}", None, (0, 1))
        for name, values in given.items()
        for i, value in enumerate(values)
    ]
    built = policy("up_vs_down").build(Judged("p", candidates(given), ratings=thumbs))
    assert [(a, b, round(margin or 0, 6)) for a, b, margin in gaps(built)] == [
        ("a", "b", 0.333333), ("a", "d", 0.666667),
    ]  # fmt: skip
    assert built.skipped["tie"] == 1
    assert [(pair.votes, pair.agreement) for pair in built.pairs] == [(3, 2 / 3), (1, 1.0)]
