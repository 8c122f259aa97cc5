"""What the flat exports of annotation tools and HelpSteer's preferences read, written down."""

from typing import Any

import pytest

from curation.pairing.majority import Majority
from service.formats import FORMATS, RowError
from service.formats.record import Annotator, Comparison, Ranking, Rating
from service.ingest.judging import decide
from service.tables.labels import Outcome
from tests.service.formats.test_conformance import rows_of

OVERALL = Annotator("overall_preference", "rule")
MIN = {"annotator": 3, "annotation_id": 7, "prompt": "q", "answer1": "x", "answer2": "y"}


def test_each_annotator_of_helpsteer3_votes_with_strength_and_reason() -> None:
    record = FORMATS["helpsteer3"].read(rows_of("helpsteer3")[0])
    whole, *single = record.comparisons
    assert (whole.annotator, whole.aspect, whole.strength) == (OVERALL, "overall", 2.0)
    assert [(each.outcome, each.strength) for each in single] == [
        (Outcome.a, 3.0), (Outcome.a, 2.0), (Outcome.tie, None),
    ]  # fmt: skip
    assert single[0].rationale == "Response 1 names one."
    assert record.extra["individual_rest"][0]["feedback2"] == "It is a mountain."
    assert len(record.messages) == 3


def test_the_published_preference_is_no_further_vote() -> None:
    """Two of three annotators: not three of four."""
    [pair] = decide(FORMATS["helpsteer3"].read(rows_of("helpsteer3")[0]))
    assert (pair.chosen, pair.votes, pair.agreement) == ("response1", 3, pytest.approx(2 / 3))
    [alone] = decide(FORMATS["helpsteer3"].read(rows_of("helpsteer3")[2]))
    assert (alone.chosen, alone.votes, alone.margin) == ("response2", 1, 3.0)
    assert Majority(aspects=("overall",)).aspects == ("overall",)  # how to ask for it alone


def test_a_score_is_negative_where_the_first_is_better_and_within_three() -> None:
    row = rows_of("helpsteer2_preference")[0]
    record = FORMATS["helpsteer2_preference"].read(row)
    whole, better, worse = record.comparisons
    assert (whole.outcome, whole.strength, whole.rationale) == (Outcome.b, 2.0, "It is one.")
    assert (better.outcome, worse.outcome, worse.strength) == (Outcome.b, Outcome.a, 1.0)
    with pytest.raises(RowError) as error:
        FORMATS["helpsteer2_preference"].read(row | {"preference_strength": 4})
    assert (error.value.code, error.value.field) == ("out_of_range", "preference_strength")


def test_the_dialogue_of_helpsteer2_has_its_turns() -> None:
    record = FORMATS["helpsteer2_preference"].read(rows_of("helpsteer2_preference")[1])
    assert [each["role"] for each in record.messages] == ["user", "assistant", "user"]


def test_a_row_of_json_min_is_one_annotation() -> None:
    layout = FORMATS["label_studio_min"]
    first, second, third = (layout.read(row) for row in rows_of("label_studio_min")[:3])
    assert first.comparisons == (
        Comparison(Annotator("3"), None, "It is one.", "answer1", "answer2", Outcome.a, shown="ab"),
    )
    assert second.comparisons[0].annotator == Annotator("b@example.org")
    assert (second.comparisons[0].aspect, second.comparisons[0].outcome) == ("truth", Outcome.tie)
    assert third.rankings == (
        Ranking(Annotator("3"), tiers=[["answer1"], ["answer2"], ["answer3"]]),
    )
    assert [(each.aspect, each.response, each.value) for each in third.ratings] == [
        ("quality", "answer1", 5.0), ("quality", "answer2", 1.0),
    ]  # fmt: skip
    assert third.extra["tags"] == ["x"]


def test_a_rating_that_does_not_say_of_what_is_a_reject_that_says_so() -> None:
    with pytest.raises(RowError) as error:
        FORMATS["label_studio_min"].read({**MIN, "quality": [{"rating": 4}]})
    assert (error.value.code, error.value.field) == ("unknown_response", "quality")
    assert "export JSON" in error.value.message


def test_texts_beside_two_labels_stay_beside_them() -> None:
    said = {"a_tag": "answer1", "b_tag": "tie", "why": "Because.", "topic": "x"}
    record = FORMATS["label_studio_min"].read({**MIN, **said})
    assert [each.rationale for each in record.comparisons] == [None, None]
    assert record.extra == {"why": "Because.", "topic": "x", "annotation_id": 7}


def test_the_columns_of_the_hub_tell_users_models_and_drafts() -> None:
    record = FORMATS["argilla_flat"].read(rows_of("argilla_flat")[0])
    by = [(label.annotator, label.outcome, label.rationale) for label in record.comparisons]
    assert by == [
        (Annotator("u1"), Outcome.a, "It is one."),
        (Annotator("u2"), Outcome.tie, None),
        (Annotator("judge-1", "model"), Outcome.b, None),
    ]
    assert record.extra["responses_rest"][0]["status"] == "draft"
    assert record.extra["suggestions_rest"] == [{"question": "preference", "score": 0.75}]
    assert record.extra["topic"] == "geo"


def test_the_columns_of_argilla_1_are_lists_or_objects_of_lists() -> None:
    layout = FORMATS["argilla_flat"]
    lists, columns = (layout.read(row) for row in rows_of("argilla_flat")[2:])
    assert lists.ratings == (
        Rating(Annotator("u1"), value=4.0, response="response"),
        Rating(Annotator("judge-1", "model"), value=3.0, response="response"),
    )
    assert [each.value for each in columns.ratings] == [2.0]  # the other one was discarded


@pytest.mark.parametrize("value", [["u1"], "u1"])
def test_users_that_do_not_fit_their_answers_are_a_reject(value: Any) -> None:
    row = rows_of("argilla_flat")[0] | {"preference.responses.users": value}
    with pytest.raises(RowError) as error:
        FORMATS["argilla_flat"].read(row)
    assert error.value.field == "preference.responses.users"
