"""How single labels become an order: aspects, annotators, votes, ties, texts, models."""

import pytest
from pydantic import ValidationError

from curation.pairing.labels import Candidate, Judged, Outcome, Ranked, Rated, Vote
from tests.curation.pairing.judging import ballots, candidates, gaps, ordered, policy, rated, votes


def aspects(**values: dict[str, float]) -> Judged:
    """response -> aspect -> value."""
    given = [
        Rated(name, value, "ann", None if aspect == "whole" else aspect)
        for name, found in values.items()
        for aspect, value in found.items()
    ]
    return Judged("p", candidates(values), ratings=given)


HELPSTEER = aspects(
    a={"helpful": 4, "verbose": 0}, b={"helpful": 2, "verbose": 4}, c={"helpful": 1}
)


def test_without_an_overall_rating_the_score_is_the_mean_of_the_aspects() -> None:
    built = policy("all_pairs").build(HELPSTEER)
    assert gaps(built) == [("b", "a", 1)]
    assert built.skipped["unrated_response"] == 1  # c lacks an aspect: missing, not 0


def test_one_aspect_or_a_weighted_mean_can_be_asked_for() -> None:
    helpful = {"label": "ratings", "aspects": ["helpful"]}
    assert gaps(policy("best_vs_worst", by=helpful).build(HELPSTEER)) == [("a", "c", 3)]
    weighted = {"label": "ratings", "weights": {"helpful": 3.0, "verbose": 1.0}}
    assert gaps(policy("best_vs_worst", by=weighted).build(HELPSTEER)) == [("a", "b", 0.5)]


def test_an_overall_rating_comes_before_the_aspects() -> None:
    for whole in ("whole", "overall"):
        both = aspects(a={whole: 1, "style": 5}, b={whole: 3, "style": 1})
        assert ordered(policy("best_vs_worst").build(both)) == [("b", "a")]


def test_ultrafeedbacks_fix_leaves_out_pairs_that_the_fine_aspects_contradict() -> None:
    given = aspects(
        a={"overall": 8, "honesty": 2, "truth": 1}, b={"overall": 6, "honesty": 4, "truth": 4},
        c={"overall": 3, "honesty": 1, "truth": 1}, d={"overall": 1, "honesty": 1},
    )  # fmt: skip
    built = policy("all_pairs", by={"label": "ratings", "aspects_agree": True}).build(given)
    assert ordered(built) == [("a", "c"), ("b", "c")]
    assert (built.skipped["aspects_disagree"], built.skipped["unrated_response"]) == (1, 1)


def test_annotators_are_joined_by_mean_or_median_and_counted() -> None:
    given = {"a": [5, 1, 1], "b": [2, 2, 2]}
    ratings = [
        Rated(name, value, f"ann{i}") for name, own in given.items() for i, value in enumerate(own)
    ]
    judged = Judged("p", candidates(given), ratings=ratings)
    (mean,) = policy("best_vs_worst").build(judged).pairs
    assert (mean.chosen, mean.votes, mean.agreement, mean.soft_label) == ("a", 3, 1 / 3, 1 / 3)
    median = {"label": "ratings", "annotators": "median"}
    (pair,) = policy("best_vs_worst", by=median).build(judged).pairs
    assert (pair.chosen, pair.margin, pair.agreement) == ("b", 1, 2 / 3)


def test_ratings_of_different_scales_can_be_mapped_to_one() -> None:
    given = [Rated("a", 4, "x", None, (1, 5)), Rated("b", 6, "y", None, (0, 10)), Rated("c", 9)]
    judged = Judged("p", candidates("abc"), ratings=given)
    built = policy("all_pairs", by={"label": "ratings", "rescale": True}).build(judged)
    assert [(a, b, round(gap or 0, 6)) for a, b, gap in gaps(built)] == [("a", "b", 0.15)]
    assert built.skipped["no_scale"] == 1


@pytest.mark.parametrize("scores", [{}, {"a": 3}, {"a": 3, "b": 3}])
@pytest.mark.parametrize("kind", ["best_vs_worst", "best_vs_random", "all_pairs", "curry"])
def test_nothing_is_built_of_too_few_or_equal_ratings(kind: str, scores: dict[str, float]) -> None:
    built = policy(kind).build(rated(scores))
    assert built.pairs == []
    assert built.skipped["too_few_rated" if len(scores) < 2 else "tie"] == 1


def test_means_that_differ_in_the_last_digit_are_a_tie() -> None:
    given = [Rated("a", value, str(i)) for i, value in enumerate([0.1, 0.2, 0.3])]
    given += [Rated("b", value, str(i)) for i, value in enumerate([0.2, 0.2, 0.2])]
    judged = Judged("p", candidates("ab"), ratings=given)
    assert policy("best_vs_worst").build(judged).skipped["tie"] == 1


def test_soft_ties_are_pairs_of_one_half() -> None:
    (pair,) = policy("all_pairs", ties="soft").build(rated({"b": 3, "a": 3})).pairs
    assert (pair.chosen, pair.margin, pair.soft_label) == ("a", 0, 0.5)
    (vote,) = policy("majority", ties="soft").build(votes("a", "b")).pairs
    assert (vote.chosen, vote.votes, vote.soft_label) == ("x", 2, 0.5)


@pytest.mark.parametrize(
    ("outcomes", "fields", "pairs", "reason"),
    [
        (["a", "a", "b"], {}, [("x", "y")], None),
        (["a", "a", "b"], {"min_votes": 4}, [], "too_few_votes"),
        (["a", "a", "b"], {"min_agreement": 0.7}, [], "below_min_agreement"),
        (["a", "tie", "tie"], {}, [("x", "y")], None),
        (["a", "both_bad"], {}, [("x", "y")], None),
        (["a", "both_bad"], {"both_bad": "drop"}, [], "both_bad"),
        (["both_bad", "both_bad"], {"ties": "soft"}, [], "both_bad"),
        (["a", "b"], {}, [], "tie"),
        (["a"], {"min_gap": 1}, [], "no_margin"),
    ],
)
def test_the_majority_and_its_options(
    outcomes: list[Outcome],
    fields: dict[str, object],
    pairs: list[tuple[str, str]],
    reason: str | None,
) -> None:
    built = policy("majority", **fields).build(votes(*outcomes))
    assert ordered(built) == pairs
    assert (+built.skipped) == ({} if reason is None else {reason: 1})


@pytest.mark.parametrize(
    ("outcomes", "pairs", "reason"),
    [
        (["b", "b"], [("y", "x")], None),
        (["b"], [], "too_few_votes"),
        (["b", "b", "tie"], [], "not_unanimous"),
        (["b", "a"], [], "not_unanimous"),
        (["tie", "tie"], [], "tie"),
    ],
)
def test_one_other_opinion_is_too_many(
    outcomes: list[Outcome], pairs: list[tuple[str, str]], reason: str | None
) -> None:
    built = policy("unanimous").build(votes(*outcomes))
    assert ordered(built) == pairs
    assert (+built.skipped) == ({} if reason is None else {reason: 1})


def test_each_judgment_is_a_pair_of_its_own() -> None:
    built = policy("each_judgment").build(votes("a", "a", "b", "tie", "both_bad"))
    assert ordered(built) == [("x", "y"), ("x", "y"), ("y", "x")]
    assert built.skipped == {"tie": 1, "both_bad": 1}


def test_the_margin_of_votes_is_their_mean_strength() -> None:
    given = [
        Vote("x", "y", "a", strength=3), Vote("y", "x", "a", strength=1), Vote("x", "y", "a"),
        Vote("x", "y", "tie"),
    ]  # fmt: skip
    (pair,) = policy("majority").build(Judged("p", candidates("xy"), given)).pairs
    assert (pair.margin, pair.votes, pair.soft_label) == (pytest.approx(2 / 3), 4, 0.625)


def test_aspects_vote_where_asked_or_where_nothing_else_is_there() -> None:
    given = votes("a", "b", "b", aspects=[None, "style", "truth"])
    assert ordered(policy("majority").build(given)) == [("x", "y")]
    assert ordered(policy("majority", aspects=["style"]).build(given)) == [("y", "x")]


def test_responses_that_say_the_same_are_no_pair_and_the_next_takes_their_place() -> None:
    judged = rated({"a": 5, "b": 3, "c": 1})
    same = {**judged.candidates, "c": judged.candidates["a"]}
    built = policy("best_vs_worst").build(Judged("p", same, ratings=judged.ratings))
    assert ordered(built) == [("a", "b")]
    every = policy("all_pairs").build(Judged("p", same, ratings=judged.ratings))
    assert (ordered(every), every.skipped["equal_texts"]) == ([("a", "b"), ("b", "c")], 1)


def test_only_pairs_across_models_where_asked_for() -> None:
    models = {"a": "m1", "b": "m1", "c": "m2", "d": None}
    who = {name: Candidate(name, model) for name, model in models.items()}
    judged = Judged("p", who, ratings=rated({"a": 4, "b": 3, "c": 2, "d": 1}).ratings)
    built = policy("all_pairs", cross_model_only=True).build(judged)
    assert ordered(built) == [("a", "c"), ("b", "c")]
    assert built.skipped["same_or_unknown_model"] == 4


def test_a_cap_keeps_the_widest_margins() -> None:
    built = policy("all_pairs", cap_per_prompt=2).build(rated({"a": 9, "b": 7, "c": 4, "d": 2}))
    assert gaps(built) == [("a", "c", 5), ("a", "d", 7)] or gaps(built)[-1] == ("b", "d", 5)
    assert built.skipped["over_cap"] == 4


def test_several_rankings_are_joined_by_the_mean_of_their_tiers() -> None:
    judged = ballots((1, "abc"), (1, "acb"), (1, "bac"))
    built = policy("all_pairs", by={"label": "rankings"}).build(judged)
    assert [(a, b, round(gap or 0, 6)) for a, b, gap in gaps(built)] == [
        ("a", "b", 0.666667), ("a", "c", 1.333333), ("b", "c", 0.666667),
    ]  # fmt: skip
    assert [pair.agreement for pair in built.pairs] == [2 / 3, 1, 2 / 3]


def test_rankings_of_different_responses_are_lists_of_their_own() -> None:
    rankings = [Ranked([["a"], ["b"]]), Ranked([["c"], ["d"]])]
    judged = Judged("p", candidates("abcd"), rankings=rankings)
    assert ordered(policy("best_vs_worst", by={"label": "rankings"}).build(judged)) == [
        ("a", "b"), ("c", "d"),
    ]  # fmt: skip


def test_an_imported_score_orders_where_its_name_is_clear() -> None:
    who = {"a": Candidate("A", None, {"rm": 1.0}), "b": Candidate("B", None, {"rm": 3.0})}
    by = {"label": "scores"}
    assert gaps(policy("best_vs_worst", by=by).build(Judged("p", who))) == [("b", "a", 2)]
    two = {**who, "c": Candidate("C", None, {"clip": 3.0})}
    assert policy("best_vs_worst", by=by).build(Judged("p", two)).skipped["several_scores"] == 1


def test_gold_answers_that_contradict_each_other_are_no_pair() -> None:
    judged = Judged("p", candidates("xy"), gold=[("x", "y"), ("y", "x")])
    built = policy("correct_vs_incorrect").build(judged)
    assert (built.pairs, built.skipped["contradiction"]) == ([], 2)


def test_a_list_that_is_too_long_for_all_pairs_is_left_out() -> None:
    long = rated({f"{i:04}": float(i) for i in range(301)})
    assert policy("all_pairs").build(long).skipped["too_many_responses"] == 1
    assert ordered(policy("best_vs_worst").build(long)) == [("0300", "0000")]


@pytest.mark.parametrize(
    "fields",
    [
        {"min_gap": float("nan")}, {"min_gap": -1}, {"cap_per_prompt": 0}, {"surprise": 1},
        {"by": {"label": "ratings", "aspects": ["x"], "weights": {"y": 1}}}, {"id": "Not An Id"},
    ],
)  # fmt: skip
def test_a_policy_that_makes_no_sense_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        policy("all_pairs", **fields)
