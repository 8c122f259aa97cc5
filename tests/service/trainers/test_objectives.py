"""Layouts by objective (E04–E12): exact columns, loaded, and each row against the stored labels."""

from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset

from service.export.contests import pseudonym
from service.export.layout import RecordLayout, TrainingRecord
from service.formats.record import Annotator, Comparison, Ranking, Rating, Record, Response
from service.tables.labels import Outcome
from service.trainers import LAYOUTS
from tests.service.trainers.pairs import PAIRS, pair, rows, says, user, write

A, B = Annotator("ann"), Annotator("gpt", "model")
TEXTS = ("prompt", "chosen", "rejected")
COLUMNS = {
    "reward_votes": (
        *TEXTS, "margin", "soft_label", "flip_rate", "annotator_ids", "attributes", "gold",
    ),
    "critique_pairs": (*TEXTS, "rationale", "judgement", "critique_source"),
    "critique_answers": (
        "prompt", "completion", "judgement", "aspect", "critique_source", "score",
    ),
    "aspect_scores": ("prompt", "completion", "scores"),
    "aspect_pairs": (*TEXTS, "margin", "margin_other", "scores_chosen", "scores_rejected"),
    "personal": ("pair_id", "annotator_id", "group", "history_pair_ids", *TEXTS),
    "judge": ("messages", "verdict", "order"),
    "step_values": ("prefix", "steps", "step_values", "mask"),
    "joint_pairs": ("prompt_w", "response_w", "prompt_l", "response_l", "context", "margin"),
}  # fmt: skip


def rating(response: str, aspect: str | None, value: float, **given: Any) -> Rating:
    return Rating(aspect=aspect, response=response, value=value, **given)


VOTED = Record(
    user("2 + 2?"),
    [Response("x", "5"), Response("y", "4"), Response("z", messages=[*says("four"), *says("!")])],
    comparisons=[
        Comparison(A, None, "5 is wrong", "x", "y", Outcome.b, 3.0, "ab"),
        Comparison(A, a="y", b="x", outcome=Outcome.b, strength=1.0, shown="ab"),
        Comparison(B, None, "4 it is", "y", "x", Outcome.a, 2.0, "ab"),
        Comparison(B, a="x", b="y", outcome=Outcome.b, shown="ab"),
        Comparison(A, a="x", b="z", outcome=Outcome.tie),
    ],
    ratings=[
        rating("x", None, 1.0), rating("y", None, 4.0), rating("x", "brief", 2.0),
        rating("y", "brief", 1.0), rating("y", "truth", 5.0, rationale="true", annotator=B),
        rating("x", "truth", 1.0), Rating(response="z", turn=0, value=0.5),
    ],
    gold={"better": ["y"], "worse": ["x"]},
)  # fmt: skip
ALONE = Record(
    user("3 + 3?"), [Response("x", "6")],
    ratings=[rating("x", "brief", 5.0), rating("x", "truth", 2.0, annotator=B)],
)  # fmt: skip
OTHER = TrainingRecord(ALONE, "other")
RECORDS = [VOTED]


def made(name: str, record: Record = VOTED, **options: Any) -> list[dict[str, Any]]:
    others: list[Any] = [OTHER] if name == "joint_pairs" else []  # which takes two prompts
    return rows(LAYOUTS[name](**options), [record, *others])


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_are_exact_and_rows_are_loaded(name: str, tmp_path: Path) -> None:
    layout = LAYOUTS[name]()
    assert isinstance(layout, RecordLayout)
    assert layout.columns == COLUMNS[name]
    given: list[Any] = [*RECORDS, OTHER] if name == "joint_pairs" else RECORDS
    place = write(layout, {"train": given}, tmp_path)
    path = str(tmp_path / place.files["train"][0])
    found = load_dataset("parquet", data_files=path, cache_dir=str(tmp_path / "cache"))["train"]
    assert found.to_list() == made(name) != []
    assert {tuple(row) for row in made(name)} == {COLUMNS[name]}


def test_sft_holds_each_chosen_dialogue_once_with_its_weight() -> None:
    again = pair(0, rejected=says("another"))
    found = rows(LAYOUTS["sft"](), [pair(0, weight=0.5), again, *PAIRS[1:]])
    assert LAYOUTS["sft"]().columns == ("messages", "weight")
    assert found[0] == {"messages": [*user("question 0"), *says("good 0")], "weight": 0.5}
    assert len(found) == len(PAIRS)


def test_votes_hold_everybody_who_voted() -> None:
    [row] = made("reward_votes")
    assert (row["chosen"], row["rejected"]) == (says("4"), says("5"))
    assert row["soft_label"] == 3 / 4  # a voted once for each, b twice for y
    assert row["margin"] == (3 - 1 + 2) / 3
    assert row["flip_rate"] == 0.5  # of the two who saw both orders
    assert row["annotator_ids"] == [pseudonym(who) for who in (A, A, B, B)]
    gaps = {each["aspect"]: each["margin"] for each in row["attributes"]}
    assert gaps == {"overall": 3.0, "brief": -1.0, "truth": 4.0}
    assert row["gold"] is True
    assert [each["soft_label"] for each in made("reward_votes", ties=True)] == [3 / 4, 0.5]


def test_a_record_without_comparisons_is_judged_by_its_rankings_or_ratings() -> None:
    ranked = Record(
        VOTED.messages, VOTED.responses, rankings=[Ranking(A, tiers=[["y"], ["x", "z"]])]
    )
    found = made("reward_votes", ranked)
    assert [(row["chosen"], row["margin"]) for row in found] == [(says("4"), None)] * 2
    rated = Record(VOTED.messages, VOTED.responses, ratings=VOTED.ratings)
    [row] = made("reward_votes", rated)
    assert (row["chosen"], row["margin"]) == (says("4"), 3.0)


def test_critiques_keep_the_rationale_and_what_its_author_preferred() -> None:
    found = made("critique_pairs")
    assert [(row["rationale"], row["judgement"], row["critique_source"]) for row in found] == [
        ("5 is wrong", "chosen", "human"), ("4 it is", "chosen", "model"),
    ]  # fmt: skip
    [answer] = made("critique_answers")
    assert answer == {
        "prompt": user("2 + 2?"), "completion": says("4"), "judgement": "true",
        "aspect": "truth", "critique_source": "model", "score": 5.0,
    }  # fmt: skip


def test_vectors_hold_each_aspect_and_modpos_margin_of_the_others() -> None:
    first, second = made("aspect_scores")
    assert second["completion"] == says("4")
    scores = {each["aspect"]: each["score"] for each in first["scores"]}
    assert scores == {"brief": 2.0, "overall": 1.0, "truth": 1.0}
    [row] = made("aspect_pairs", aspect="truth", weight=0.8)
    assert (row["chosen"], row["margin"]) == (says("4"), 4.0)
    assert row["margin_other"] == pytest.approx((0.1 * -1 + 0.1 * 3) / 0.8)
    [row] = made("aspect_pairs", aspect="brief")
    assert row["chosen"] == says("5")
    assert made("aspect_pairs", aspect="unknown") == []


def test_personal_rows_follow_the_annotator_and_not_the_majority() -> None:
    other = Record(
        user("q"), [Response("1", "one"), Response("2", "two")],
        [Comparison(A, a="1", b="2", outcome=Outcome.b),
         Comparison(B, a="1", b="2", outcome=Outcome.a),
         Comparison(a="1", b="2", outcome=Outcome.a)],
    )  # fmt: skip
    found = rows(LAYOUTS["personal"](), [VOTED, other])
    assert [(row["group"], row["chosen"]) for row in found] == [
        ("model", says("4")), ("human", says("two")), ("model", says("one")),
    ]  # fmt: skip
    assert [row["history_pair_ids"] for row in found] == [[], [], [found[0]["pair_id"]]]
    assert found[1]["pair_id"] == found[2]["pair_id"] != found[0]["pair_id"]
    assert "ann" not in {row["annotator_id"] for row in found}
    none = rows(LAYOUTS["personal"].model_validate({"history": 0}), [VOTED, other])
    assert [row["history_pair_ids"] for row in none] == [[], [], []]


def test_a_judge_sees_both_orders_and_a_critique_only_in_its_own() -> None:
    ab, ba, tie, tie_turned = made("judge")
    assert [row["verdict"] for row in (ab, ba, tie, tie_turned)] == ["B", "A", "C", "C"]
    asked = ab["messages"][0]["content"]
    assert asked.index("[Answer A]\n5") < asked.index("[Answer B]\n4")
    assert ab["messages"][1]["content"] == "5 is wrong\n\n[[B]]"  # shown x, y
    assert ba["messages"][1]["content"] == "4 it is\n\n[[A]]"  # shown y, x
    plain = made("judge", critique=False)
    assert [row["messages"][1]["content"] for row in plain[:2]] == ["[[B]]", "[[A]]"]


def test_steps_without_a_rating_are_masked() -> None:
    [row] = made("step_values")
    assert row["steps"] == ["four", "!"]
    assert (row["step_values"], row["mask"]) == ([0.5, None], [True, False])


@pytest.mark.parametrize(
    ("name", "options", "left"),
    [
        ("reward_votes", {}, {"comparisons": 5, "ratings": 7}),
        ("reward_votes", {"ties": True}, {"comparisons": 4, "ratings": 7}),
        ("judge", {}, {"comparisons": 4, "ratings": 7}),
        ("personal", {}, {"comparisons": 3, "ratings": 7}),
        ("critique_pairs", {}, {"comparisons": 3, "ratings": 7}),
        ("critique_answers", {}, {"comparisons": 5, "ratings": 6}),
        ("aspect_scores", {}, {"comparisons": 5, "ratings": 1}),
        ("aspect_pairs", {}, {"comparisons": 5, "ratings": 1}),
        ("aspect_pairs", {"aspect": "none"}, {"comparisons": 5, "ratings": 7}),
        ("step_values", {}, {"comparisons": 5, "ratings": 6}),
    ],
)
def test_labels_that_rows_do_not_tell_are_counted(
    name: str, options: dict[str, Any], left: dict[str, int]
) -> None:
    layout = LAYOUTS[name](**options)
    assert isinstance(layout, RecordLayout)
    assert layout.leaves_out(VOTED) == left


def test_rankings_are_told_where_each_of_their_pairs_is() -> None:
    record = Record(
        user("2 + 2?"),
        [Response("x", "5"), Response("y", "4"), Response("z", "3")],
        rankings=[Ranking(A, tiers=[["y"], ["x", "z"]])],
    )
    ties = {"ties": True}
    layouts = [LAYOUTS["reward_votes"](), LAYOUTS["reward_votes"](**ties), LAYOUTS["judge"]()]
    assert [each.leaves_out(record) for each in layouts if isinstance(each, RecordLayout)] == [
        {"rankings": 1}, {}, {},
    ]  # fmt: skip


def test_answers_to_two_prompts_are_compared_where_one_rater_rated_both() -> None:
    """The last rating of each rater and aspect before, against those of the next prompt."""
    brief, truth = made("joint_pairs")
    assert (brief["context"], brief["margin"]) == ("brief", 4.0)
    assert (brief["prompt_w"], brief["response_w"]) == (user("3 + 3?"), says("6"))
    assert (brief["prompt_l"], brief["response_l"]) == (user("2 + 2?"), says("4"))
    assert (truth["context"], truth["margin"]) == ("truth", 3.0)
    assert (truth["prompt_w"], truth["prompt_l"]) == (user("2 + 2?"), user("3 + 3?"))
    layout = LAYOUTS["joint_pairs"]()
    assert rows(layout, [VOTED]) == rows(layout, [VOTED, VOTED]) == []  # one prompt alone
    assert isinstance(layout, RecordLayout)
    assert layout.leaves_out(ALONE) == {"ratings": 2}
