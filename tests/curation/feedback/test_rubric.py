import pytest

from curation.feedback.rubric import classes, hits, rubrics, sentences


def test_there_are_nine_classes_a_side_and_one_that_judges_nothing() -> None:
    sides = [rubric.side for rubric in rubrics()]
    assert (sides.count("sat"), sides.count("dsat"), sides.count("none")) == (9, 9, 1)
    assert all(rubric.examples for rubric in rubrics())


def test_no_pattern_speaks_against_the_side_of_a_written_example() -> None:
    wrong = [
        (rubric.name, hit.name, text)
        for rubric in rubrics()
        for text in rubric.examples
        for hit in hits(text)
        if hit.side != rubric.side
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "sat", "dsat"),
    [
        ("No, you ignored the table", [], ["factual_error", "ignored"]),
        ("Perfect, thanks", ["gratitude", "praise"], []),
        ("no thanks", [], []),
        ("Thanks in advance for a good recipe.", [], []),
        ("Write a poem about the sea", [], []),
        ("", [], []),
    ],
)
def test_patterns_find_what_is_said_and_nothing_in_a_plain_request(
    text: str, sat: list[str], dsat: list[str]
) -> None:
    assert classes(text, "sat") == sat
    assert classes(text, "dsat") == dsat


def test_a_sentence_keeps_its_place_in_the_text() -> None:
    text = "  Hm.\nThat is wrong!  Why? "
    assert [text[start:end] for start, end in sentences(text)] == ["Hm.", "That is wrong!", "Why?"]
    assert sentences(" ") == [(0, 1)]
