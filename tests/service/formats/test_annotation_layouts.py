"""What the annotation layouts read, written down: missing ratings, ties, orders, annotators."""

import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest

from service.formats import FORMATS, Record, RowError
from service.formats.record import Annotator, Comparison, Feedback, Ranking, Rating, Response
from service.tables.labels import Outcome
from tests.service.formats.test_conformance import rows_of

USER = [{"role": "user", "content": "q"}]
BATTLE = {"model_a": "m", "model_b": "n", "prompt": "q", "response_a": "x", "response_b": "y"}


def read(name: str, **row: Any) -> Record:
    return FORMATS[name].read(row)


@pytest.mark.parametrize("missing", ["N/A", "", None, "null"])
def test_a_missing_rating_is_no_rating(missing: str | None) -> None:
    said = {"Rating": missing, "Rationale": "?"}
    completions = [{"response": "x", "annotations": {"honesty": said}}]
    assert read("ultrafeedback", instruction="q", completions=completions).ratings == ()
    lists = {"generations": ["x"], "ratings": [missing], "generation_models": ["m"]}
    assert read("ultrafeedback", instruction="q", **lists).ratings == ()
    assert read("ratings", prompt="q", response="x", quality=missing).ratings == ()
    answers = [{"answer": "x", "rank": missing}, {"answer": "y", "rank": 1}]
    assert read("ranked", prompt="q", answers=answers).rankings == (Ranking(tiers=[["r1"]]),)


def test_a_rating_of_zero_is_one() -> None:
    record = read("ratings", prompt="q", response="x", quality=0)
    assert record.ratings == (Rating(aspect="quality", value=0.0, response="response"),)


@pytest.mark.parametrize(
    ("winner", "outcome"),
    [
        ({"winner": "model_a"}, Outcome.a),
        ({"winner": "model_b"}, Outcome.b),
        ({"winner": "tie"}, Outcome.tie),
        ({"winner": "tie (bothbad)"}, Outcome.both_bad),
        ({"winner_model_a": 0, "winner_model_b": 0, "winner_tie": 1}, Outcome.tie),
        ({"winner_model_a": 0, "winner_model_b": 1, "winner_tie": 0}, Outcome.b),
    ],
)
def test_the_winner_of_a_battle(winner: dict[str, Any], outcome: Outcome) -> None:
    record = read("arena", **BATTLE, **winner)
    assert record.comparisons == (Comparison(a="a", b="b", outcome=outcome),)
    assert [each.model for each in record.responses] == ["m", "n"]


def test_a_battle_without_a_winner_has_no_label() -> None:
    assert read("arena", **BATTLE, winner=None).comparisons == ()


def test_a_judge_that_is_a_model_is_told_by_its_name() -> None:
    record = read("arena", **BATTLE, winner="tie", judge="gpt4_pair")
    assert record.comparisons[0].annotator == Annotator("gpt4_pair", "model")


def test_conversations_share_their_first_turns() -> None:
    first = rows_of("arena")[0]
    record = FORMATS["arena"].read(first)
    assert record.messages == [{"role": "user", "content": "Name a river."}]
    assert [each.text for each in record.responses] == ["Mount Hood", "The Rhine"]


def test_equal_ranks_are_a_tier_and_a_null_rank_is_none() -> None:
    ranks = [2, 1, 2, None]
    answers = [{"answer": "", "model": "m", "rank": rank} for rank in ranks]
    record = read("ranked", prompt="q", answers=answers)
    assert record.rankings == (Ranking(tiers=[["r1"], ["r0", "r2"]]),)
    assert [each.id for each in record.responses] == ["r0", "r1", "r2", "r3"]  # equal and empty


def test_ultrafeedback_names_aspect_scale_and_reason() -> None:
    record = FORMATS["ultrafeedback"].read(rows_of("ultrafeedback")[0])
    labels = {(each.response, each.aspect): each for each in record.ratings}
    assert len(labels) == len(record.ratings) == 5  # "N/A" and a null score are none
    truth = labels["r0", "truthfulness"]
    assert (truth.value, truth.scale, truth.rationale) == (1.0, (1.0, 5.0), "One error.")
    overall = labels["r0", "overall_score"]
    assert (overall.value, overall.scale, overall.rationale) == (2.0, (1.0, 10.0), "Name one.")


def test_a_chain_of_a_tree_is_read_as_the_one_record_that_it_was_written_from() -> None:
    layout = FORMATS["oasst"]
    records = layout.read_all(rows_of("oasst")[0])
    assert [len(record.messages) for record in records] == [1, 3]
    assert records[0].rankings == (Ranking(tiers=[["a1"], ["a2", "a5"]]),)
    [row] = layout.write(records[1])
    assert list(layout.read_all(row)) == [records[1]]


def test_feedback_and_thumbs_are_about_turns() -> None:
    record = FORMATS["chat"].read(rows_of("chat")[0])
    assert record.ratings == (Rating(value=1.0, turn=3, scale=(0.0, 1.0)),)
    record = FORMATS["chat"].read(rows_of("chat")[1])
    assert record.feedback == (Feedback(turn=1, text="That is none."),)


def test_label_studio_tells_the_side_that_an_answer_was_shown_on() -> None:
    record = FORMATS["label_studio"].read(rows_of("label_studio")[0])
    human, _, machine = record.comparisons
    assert human == Comparison(
        Annotator("3"), None, "It is one.", "answer1", "answer2", Outcome.a, shown="ab"
    )
    assert machine.annotator == Annotator("judge-1", "model")
    assert (machine.a, machine.b, machine.outcome) == ("answer2", "answer1", Outcome.b)


def test_argilla_tells_users_from_models() -> None:
    record = FORMATS["argilla"].read(rows_of("argilla")[0])
    by = [(label.annotator, label.outcome) for label in record.comparisons]
    assert by == [
        (Annotator("u1"), Outcome.a),
        (Annotator("u2"), Outcome.tie),
        (Annotator("judge-1", "model"), Outcome.b),
    ]
    assert record.comparisons[0].rationale == "It is one."


PAIRWISE = {"type": "pairwise", "from_name": "pw", "value": {"selected": "left"}}
STARS = {"type": "rating", "from_name": "helpful", "to_name": "answer1", "value": {"rating": 4}}
WHY = {"type": "textarea", "from_name": "why", "value": {"text": ["It is one."]}}


def annotated(*results: dict[str, Any], **about: Any) -> Record:
    data = {"prompt": "q", "answer1": "x", "answer2": "y"}
    annotation = {"completed_by": 3, "result": list(results), **about}
    return read("label_studio", data=data, annotations=[annotation])


def test_the_verified_answer_of_label_studio_is_no_vote() -> None:
    record = annotated(PAIRWISE, ground_truth=True)
    assert record.comparisons == ()
    assert record.gold == {"better": ["answer1"], "worse": ["answer2"], "basis": "ground_truth"}
    assert annotated(PAIRWISE, ground_truth=False).gold is None


def test_a_skipped_task_of_label_studio_has_no_label() -> None:
    record = annotated(PAIRWISE, was_cancelled=True)
    assert (record.comparisons, record.gold) == ((), None)


@pytest.mark.parametrize(
    "beside",
    [
        {"type": "choices", "from_name": "topic", "value": {"choices": ["food"]}},
        {"type": "choices", "from_name": "flags", "value": {"choices": ["rude", "long"]}},
        STARS | {"value": {"rating": None}},
    ],
)
def test_results_that_are_no_labels_are_kept_beside_them(beside: dict[str, Any]) -> None:
    record = annotated(PAIRWISE, beside)
    assert [label.outcome for label in record.comparisons] == [Outcome.a]
    assert record.ratings == ()
    assert record.extra["annotations_rest"] == [{"result": [beside]}]


def test_a_text_beside_several_labels_is_kept_as_nobodys_reason() -> None:
    record = annotated(PAIRWISE, STARS, WHY)
    assert [label.rationale for label in (*record.comparisons, *record.ratings)] == [None, None]
    assert record.extra["annotations_rest"] == [{"result": [WHY]}]
    assert annotated(PAIRWISE, WHY).comparisons[0].rationale == "It is one."


@pytest.mark.parametrize("status", ["draft", "discarded", "pending"])
def test_what_a_user_of_argilla_did_not_submit_is_no_vote(status: str) -> None:
    values = {"preference": {"value": "answer1"}}
    given = {"user_id": "u", "status": status, "values": values}
    fields = {"prompt": "q", "answer1": "x", "answer2": "y"}
    record = read("argilla", fields=fields, responses=[given])
    assert record.comparisons == ()
    assert record.extra["responses_rest"][0]["status"] == status


def test_a_reason_without_its_judgment_is_kept() -> None:
    fields = {"prompt": "q", "answer1": "x", "answer2": "y"}
    preference = [{"value": "answer1", "user_id": "u"}, {"value": None, "user_id": "v"}]
    why = [{"value": "first", "user_id": "u"}, {"value": "second", "user_id": "v"}]
    responses = {"preference": preference, "preference_rationale": why}
    record = read("argilla", fields=fields, responses=responses)
    assert [label.rationale for label in record.comparisons] == ["first"]
    assert [each["value"] for each in record.extra["responses_rest"]] == [None, "second"]


@pytest.mark.parametrize("missing", ["N/A", "", None, "null"])
def test_a_turn_without_a_rating_has_none(missing: str | None) -> None:
    judged = {"rating": missing, "thumb": missing, "ratings": [{"value": missing}]}
    turn = {"role": "assistant", "content": "", **judged}
    assert read("chat", conversation=[turn]).ratings == ()


@pytest.mark.parametrize(
    ("layout", "row", "field"),
    [
        ("arena", BATTLE | {"winner": "model_c"}, "winner"),
        ("ranked", {"prompt": "q", "answers": [{"answer": 1}]}, "answers[0].answer"),
        ("ranked", {"query": "q", "responses": ["x"], "scores": ["good"]}, "scores[0]"),
        ("ratings", {"prompt": "q", "response": "x", "quality": "good"}, "quality"),
        ("ratings", {"prompt": "q", "response": "x", "thumb": "sideways"}, "thumb"),
        ("ultrafeedback", {"instruction": "q"}, "completions"),
        ("oasst", {"prompt": {"text": "q", "role": "cat", "replies": []}}, "prompt.role"),
        ("chat", {"conversation": [{"role": "cat", "content": "x"}]}, "conversation[0].role"),
        ("label_studio", {"data": {}, "annotations": []}, "data"),
        ("argilla", {"fields": {"prompt": "q"}, "responses": 7}, "responses"),
    ],
)
def test_a_wrong_row_names_its_field(layout: str, row: dict[str, Any], field: str) -> None:
    with pytest.raises(RowError) as error:
        FORMATS[layout].read_all(row)
    assert error.value.field == field


@pytest.mark.parametrize("name", ["arena", "ranked", "ultrafeedback_binarized"])
def test_a_gold_answer_is_refused_and_never_becomes_a_vote(name: str) -> None:
    record = Record(
        USER,
        (Response("r0", "x"), Response("r1", "y")),
        (Comparison(a="r0", b="r1", outcome=Outcome.a),),
        gold={"better": ["r0"], "worse": ["r1"]},
    )
    with pytest.raises(RowError) as error:
        FORMATS[name].write(record)
    assert error.value.code == "not_expressible"


@pytest.mark.realdata
def test_each_answered_prompt_of_a_tree_is_a_record_and_comes_back(data: Path) -> None:
    layout = FORMATS["oasst"]
    content = gzip.decompress((data / "oasst" / "en_100_tree.jsonl.gz").read_bytes())
    records = [
        record for line in content.splitlines() for record in layout.read_all(orjson.loads(line))
    ]
    assert (len(records), sum(bool(each.rankings) for each in records)) == (254, 212)
    for record in records:
        assert [each for row in layout.write(record) for each in layout.read_all(row)] == [record]
