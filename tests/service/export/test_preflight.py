"""What would train wrongly is found before it leaves, with the rows that have it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from curation.models.tokenizer import ChatTokenizer
from service.errors import Invalid
from service.export.layout import TrainingPair, TrainingRecord
from service.export.preflight import CODES, Preflight, preflight
from service.formats.record import Record, Response
from service.formats.thumbs import up_or_down
from service.trainers import LAYOUTS
from service.trainers.axolotl import Axolotl
from service.trainers.openrlhf import OpenRlhf
from service.trainers.trl import TrlPreference, TrlPrompts, TrlThumbs
from tests.service.export.tiny_tokenizer import tokenizer
from tests.service.trainers.pairs import PAIRS, pair, says, user

PROMPT = user("one two three")


def found(report: Preflight) -> dict[str, tuple[str, ...]]:
    return {each.code: each.rows for each in report.findings}


def run(*pairs: TrainingPair, layout: Any = None, **options: Any) -> Preflight:
    return preflight(layout or TrlPreference(), [("train", each) for each in pairs], **options)


def test_good_pairs_have_no_findings() -> None:
    report = run(*PAIRS)
    assert (report.rows, report.findings, report.unit) == (7, (), "characters")
    report.refuse_errors()


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("empty_answer", {"chosen": says(" \n")}),
        ("empty_answer", {"rejected": []}),
        ("chosen_equals_rejected", {"rejected": says("good 0")}),
        ("differs_in_space", {"rejected": says("good 0 ")}),
        ("empty_prompt", {"prompt": user(" ")}),
        ("prompt_repeated", {"chosen": [*user("question 0"), *says("good")]}),
        ("shared_beginning", {"chosen": says("x") + says("y"), "rejected": says("x") + says("z")}),
        (
            "answers_quote_prompt",
            {
                "prompt": user("What is the capital of France?"),
                "chosen": says("What is the capital of France? Paris"),
                "rejected": says("What is the capital of France? Rome"),
            },
        ),
        ("system_not_first", {"prompt": [*user("a"), {"role": "system", "content": "b"}]}),
        ("roles_repeat", {"prompt": [*user("a"), *user("b")]}),
        ("prompt_ends_with_assistant", {"prompt": [*user("a"), *says("b")]}),
        ("answer_not_by_assistant", {"chosen": [*user("a"), *says("b")]}),
        ("reversed_order", {"margin": -0.5}),
        ("reversed_order", {"margin": None, "score_chosen": 1.0, "score_rejected": 2.0}),
        ("reversed_order", {"soft_label": 0.4}),
        (
            "not_expressible",
            {"chosen": [{"role": "assistant", "content": "a", "tool_calls": [{}]}]},
        ),
    ],
)
def test_a_wrong_pair_is_named(code: str, changes: dict[str, Any]) -> None:
    report = run(PAIRS[2], replace(PAIRS[0], **changes))
    assert found(report)[code] == ("pair-0",)
    [finding] = [each for each in report.findings if each.code == code]
    assert (finding.severity, finding.count) == (CODES[code][0], 1)


def test_errors_refuse_the_export_and_warnings_do_not() -> None:
    run(replace(PAIRS[0], margin=-1.0)).refuse_errors()
    with pytest.raises(Invalid) as error:
        run(*[pair(index, chosen=says("")) for index in range(50)]).refuse_errors()
    problem = error.value.problem()
    assert (problem["status"], problem["code"]) == (422, "preflight_failed")
    assert "(50: pair-0, pair-1, pair-2, …; of a dataset, where='chosen.length" in problem["detail"]
    [finding] = problem["findings"]
    assert (finding["count"], len(finding["rows"])) == (50, 20)


def test_opposite_pairs_of_the_same_answers_contradict() -> None:
    swapped = replace(PAIRS[0], chosen=PAIRS[0].rejected, rejected=PAIRS[0].chosen, pair_id="back")
    assert found(run(PAIRS[0], PAIRS[0], swapped)) == {"contradicts": ("back",)}


def test_leaks_between_splits_are_told_by_how_sure_they_are() -> None:
    train = pair(0, user("Who are you?"))
    rows = [("train", train), ("test", replace(train, pair_id="same"))]
    rows.append(("test", pair(1, user("who  are You?"), pair_id="alike")))
    onward = [*user("Who are you?"), *says("Me."), *user("Really?")]
    rows.append(("test", pair(2, onward, pair_id="onward")))
    rows.append(("train", pair(3, onward[:1], pair_id="within")))
    assert found(preflight(TrlPreference(), rows)) == {
        "leak": ("same",), "near_leak": ("alike",), "dialogue_leak": ("onward",),
    }  # fmt: skip


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> ChatTokenizer:
    """A token a word: `<user> one two three <end> <assistant> four <end>`."""
    return tokenizer(tmp_path_factory.mktemp("words"))


def lengths(words: ChatTokenizer, max_length: int, **options: Any) -> dict[str, tuple[str, ...]]:
    one = pair(0, PROMPT, chosen=says("four five six"), rejected=says("four five seven"))
    return found(run(one, tokenizer=words, max_length=max_length, **options))


def test_each_length_that_cuts_is_told_apart(words: ChatTokenizer) -> None:
    # six tokens of prompt with the opening, then three words and the end
    assert lengths(words, 10) == {}
    assert lengths(words, 9) == {"truncated": ("pair-0",)}
    assert lengths(words, 8) == {"equal_after_truncation": ("pair-0",)}
    assert lengths(words, 6) == {"empty_after_truncation": ("pair-0",)}
    assert lengths(words, 8, layout=OpenRlhf()) == {"empty_after_truncation": ("pair-0",)}


def test_a_template_that_refuses_a_dialogue_says_why(words: ChatTokenizer) -> None:
    odd = [*user("a"), {"role": "tool", "content": "b"}]
    report = run(pair(0, odd), tokenizer=words)
    assert found(report) == {"template_refuses": ("pair-0",)}
    assert "no tools" in report.findings[0].message
    assert report.unit == "tokens"


def test_without_a_tokenizer_a_long_row_is_a_question_and_no_error() -> None:
    assert found(run(PAIRS[0], max_length=5)) == {"length_unknown": ("pair-0",)}


def test_a_tokenizer_without_a_template_is_told(tmp_path: Path) -> None:
    bare = tokenizer(tmp_path, template=None)
    one = pair(0, PROMPT, chosen=says("four"), rejected=says("five"))
    assert found(run(one, tokenizer=bare, max_length=64)) == {"no_chat_template": ()}


def test_words_that_the_tokenizer_does_not_know_may_be_all_the_difference(
    words: ChatTokenizer,
) -> None:
    assert found(run(PAIRS[0], tokenizer=words)) == {"equal_tokens": ("pair-0",)}


def test_axolotl_may_not_find_an_answer_with_space_around_it() -> None:
    spaced = pair(0, chosen=says(" good"))
    assert found(run(spaced, layout=Axolotl())) == {"untrimmed_answer": ("pair-0",)}
    assert found(run(spaced)) == {}


def test_of_prompts_only_the_prompts_are_checked(words: ChatTokenizer) -> None:
    one = pair(0, PROMPT, chosen=says(""), margin=-1.0)
    layout = TrlPrompts()
    assert found(run(one, layout=layout, tokenizer=words, max_length=6)) == {}
    assert found(run(one, layout=layout, tokenizer=words, max_length=5)) == {
        "truncated": ("pair-0",)
    }
    assert found(run(replace(one, prompt=user("")), layout=layout)) == {"empty_prompt": ("pair-0",)}


def thumb(text: str, label: bool, id: str) -> TrainingRecord:
    record = Record(user("q"), (Response("a", text),), ratings=(up_or_down(label, "a"),))
    return TrainingRecord(structs.replace(record, record_id=id), "prompt")


def test_records_are_checked_too() -> None:
    rows: Sequence[TrainingRecord] = [thumb("yes", True, "x"), thumb("", False, "y")]
    splits = zip(("train", "test"), rows, strict=True)
    assert found(preflight(TrlThumbs(), splits)) == {"empty_answer": ("y",), "leak": ("y",)}


@pytest.mark.parametrize("name", ["llamafactory", "llamafactory_kto", "axolotl", "nemo_rl"])
def test_what_a_trainer_would_skip_silently_is_an_error(name: str) -> None:
    several = pair(0, chosen=[*says("a"), *user("b"), *says("c")])
    assert "not_expressible" in found(run(several, layout=LAYOUTS[name]()))
