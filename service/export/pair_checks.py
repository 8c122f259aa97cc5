"""What can be wrong with one pair that is about to leave."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from curation.text import content_text
from service.export.layout import PairLayout, TrainingPair
from service.formats.record import Message, RowError

if TYPE_CHECKING:
    from curation.models.tokenizer import ChatTokenizer

LONG_ENOUGH = 20  # characters of a prompt that an answer does not begin with by chance


def text_of(messages: Sequence[Message]) -> str:
    return "\n".join(content_text(message.get("content")) for message in messages)


def check_pair(layout: PairLayout, pair: TrainingPair) -> Iterator[str]:
    """Codes of findings, for what needs no tokenizer."""
    if not text_of(pair.prompt).strip():
        yield "empty_prompt"
    yield from check_turns(pair.prompt)
    if pair.is_of_images and layout.holds_answers and not layout.holds_images:
        yield "image_answer"
        return
    if layout.holds_images:
        yield from check_images(pair)
    elif layout.holds_answers:
        yield from check_answers(layout, pair)
    try:
        list(layout.rows([pair]))
    except RowError as error:
        yield f"not_expressible: {error.message}"


def check_images(pair: TrainingPair) -> Iterator[str]:
    if pair.chosen_image is None or pair.rejected_image is None:
        yield "text_answer"
    elif pair.chosen_image == pair.rejected_image:
        yield "chosen_equals_rejected"
    if is_reversed(pair):
        yield "reversed_order"


def check_answers(layout: PairLayout, pair: TrainingPair) -> Iterator[str]:
    chosen, rejected = text_of(pair.chosen).strip(), text_of(pair.rejected).strip()
    if not chosen or not rejected:
        yield "empty_answer"
    if list(pair.chosen) == list(pair.rejected):
        yield "chosen_equals_rejected"
    elif chosen and chosen == rejected:
        yield "differs_in_space"
    yield from check_prefix(pair)
    sides = (pair.chosen, pair.rejected)
    if any(message["role"] == "system" for side in sides for message in side):
        yield "system_not_first"
    if any(not side or side[0]["role"] != "assistant" for side in sides):
        yield "answer_not_by_assistant"
    if is_reversed(pair):
        yield "reversed_order"
    if layout.finds_answers_by_text and any(said != said.strip() for said in answers(pair)):
        yield "untrimmed_answer"


def answers(pair: TrainingPair) -> Iterator[str]:
    for side in (pair.chosen, pair.rejected):
        for message in side:
            yield content_text(message.get("content"))


def check_prefix(pair: TrainingPair) -> Iterator[str]:
    """The prompt once more in the answers, or a part of it that both answers share."""
    prompt, sides = list(pair.prompt), [list(pair.chosen), list(pair.rejected)]
    if prompt and any(side[: len(prompt)] == prompt for side in sides):
        yield "prompt_repeated"
        return
    if all(len(side) > 1 for side in sides) and sides[0][0] == sides[1][0]:
        yield "shared_beginning"
    asked = content_text(prompt[-1].get("content")).strip() if prompt else ""
    if len(asked) >= LONG_ENOUGH and all(text_of(side).startswith(asked) for side in sides):
        yield "answers_quote_prompt"


def check_turns(prompt: Sequence[Message]) -> Iterator[str]:
    roles = [message["role"] for message in prompt]
    if "system" in roles[1:]:
        yield "system_not_first"
    talking = [role for role in roles if role != "system"]
    if any(left == right != "tool" for left, right in pairwise(talking)):
        yield "roles_repeat"
    if talking and talking[-1] == "assistant":
        yield "prompt_ends_with_assistant"


def is_reversed(pair: TrainingPair) -> bool:
    """Whether scores that came with the pair say that rejected is the better one."""
    if pair.soft_label is not None and pair.soft_label < 0.5:
        return True
    if pair.margin is not None:
        return pair.margin < 0
    scores = (pair.score_chosen, pair.score_rejected)
    return scores[0] is not None and scores[1] is not None and scores[0] < scores[1]


def check_tokens(
    layout: PairLayout, pair: TrainingPair, tokenizer: "ChatTokenizer", max_length: int | None
) -> Iterator[str]:
    """What the chat template and the truncation (at the end, as TRL does it) would do."""
    from curation.models.tokenizer import TemplateRefused

    if not layout.holds_answers:
        yield from check_prompt_tokens(pair, tokenizer, max_length)
        return
    try:
        chosen, rejected = tokenizer.encode(pair.prompt, (pair.chosen, pair.rejected))
    except TemplateRefused as error:
        yield f"template_refuses: {error}"
        return
    kept = min(shared(chosen.prompt, side.whole) for side in (chosen, rejected))
    if kept < len(chosen.prompt):
        yield "prompt_not_prefix"
    if chosen.whole == rejected.whole:
        yield "equal_tokens"
        return
    if max_length is None:
        return
    if len(chosen.prompt) > max_length - layout.least_answer:
        yield "empty_after_truncation"
    elif chosen.whole[:max_length] == rejected.whole[:max_length]:
        yield "equal_after_truncation"
    elif max(len(chosen.whole), len(rejected.whole)) > max_length:
        yield "truncated"


def check_prompt_tokens(
    pair: TrainingPair, tokenizer: "ChatTokenizer", max_length: int | None
) -> Iterator[str]:
    from curation.models.tokenizer import TemplateRefused

    try:
        [prompt] = tokenizer.encode(pair.prompt, ([],))
    except TemplateRefused as error:
        yield f"template_refuses: {error}"
        return
    if max_length is not None and len(prompt.prompt) > max_length:
        yield "truncated"


def check_characters(pair: TrainingPair, max_length: int) -> Iterator[str]:
    """Without a tokenizer: a token is a character or more, nearly always."""
    longest = max(len(text_of(side)) for side in (pair.chosen, pair.rejected))
    if len(text_of(pair.prompt)) + longest > max_length:
        yield "length_unknown"


def shared(left: Sequence[int], right: Sequence[int]) -> int:
    """How many first tokens are the same."""
    for index, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return index
    return min(len(left), len(right))
