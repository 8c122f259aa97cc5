"""UltraFeedback made into pairs, as H4 and Argilla publish it: both sides' scores beside them."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.chosen_rejected import common_prefix, decided, sides
from service.formats.faithful import faithful
from service.formats.fields import (
    is_messages,
    messages,
    optional_text,
    required,
    response_of,
    text,
    turns_of,
)
from service.formats.format import Format
from service.formats.label_columns import identifier, rating
from service.formats.published import others
from service.formats.record import Message, Record, Response
from service.formats.trl_preference import prompt_messages
from service.formats.trl_stepwise import plain

SIDES = ("chosen", "rejected")
# What the score of a side is called, by the name that the score then has.
SCORES = {
    "score": "score_{}", "avg_rating": "{}_avg_rating", "rating": "{}-rating",
    "side_rating": "{}_rating",
}  # fmt: skip
MODELS = ("{}-model", "{}_model")


class UltraFeedbackBinarized(Format):
    name: ClassVar[str] = "ultrafeedback_binarized"
    description: ClassVar[str] = "Binarized UltraFeedback: chosen, rejected and both sides' scores"
    columns: ClassVar[tuple[str, ...]] = (
        "prompt", "prompt_id", "chosen", "rejected", "score_chosen", "score_rejected",
    )  # fmt: skip

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        return 0.97 * sum(map(is_scored, rows)) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        asked = "prompt" if row.get("prompt") is not None else "instruction"
        texts = [f"{side}_response" if f"{side}_response" in row else side for side in SIDES]
        prompt, *answers = split(required(row, asked), *answers_of(row, texts))
        responses = [side_of(row, side, said) for side, said in zip(SIDES, answers, strict=True)]
        own = [form.format(side) for side in SIDES for form in (*SCORES.values(), *MODELS)]
        id = "prompt_id" if row.get("prompt_id") is not None else "id"
        extra = others(row, id, asked, *texts, *own)
        if extra.get("messages") == row.get("chosen"):
            extra.pop("messages", None)  # H4 repeats the chosen dialogue for fine-tuning
        record = decided(prompt, responses[0], responses[1], extra)
        return Record(
            record.messages,
            record.responses,
            record.comparisons,
            record_id=identifier(row, id),
            extra=extra,
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        rows = [
            {
                "prompt": plain(record),
                "prompt_id": record.record_id,
                "chosen": [*record.messages, *turns_of(chosen)],
                "rejected": [*record.messages, *turns_of(rejected)],
                **written("chosen", chosen),
                **written("rejected", rejected),
                **record.extra,
            }
            for chosen, rejected in sides(record)
        ]
        empty = {"score_chosen": None, "score_rejected": None}
        return [{**empty, **row} for row in faithful(self, record, rows)]


def is_scored(row: dict[str, Any]) -> bool:
    answered = {"chosen", "rejected"} <= row.keys()
    answered = answered or {"chosen_response", "rejected_response"} <= row.keys()
    scored = any(all(form.format(side) in row for side in SIDES) for form in SCORES.values())
    return answered and scored and ("prompt" in row or "instruction" in row)


def answers_of(row: dict[str, Any], texts: Sequence[str]) -> list[list[Message]]:
    return [
        messages(row[name], name)
        if is_messages(required(row, name))
        else [{"role": "assistant", "content": text(row[name], name)}]
        for name in texts
    ]


def split(
    prompt: Any, chosen: list[Message], rejected: list[Message]
) -> tuple[list[Message], list[Message], list[Message]]:
    """The prompt with what came before it in both dialogues, and how each answers."""
    said = prompt_messages(prompt)
    shared = common_prefix(chosen, rejected)
    for end in range(len(said), shared + 1):
        if said and chosen[end - len(said) : end] == said:
            return chosen[:end], chosen[end:], rejected[end:]
    return said, chosen, rejected


def side_of(row: dict[str, Any], side: str, said: Sequence[Message]) -> Response:
    given = response_of(said, side)
    values = {
        name: rating(row.get(form.format(side)), form.format(side)) for name, form in SCORES.items()
    }
    scores = {name: value for name, value in values.items() if value is not None}
    names = [form.format(side) for form in MODELS]
    models = [optional_text(row, name, name) for name in names]
    model = next((model for model in models if model is not None), None)
    return Response(side, given.text, given.messages, None, model, scores or None)


def written(side: str, response: Response) -> dict[str, Any]:
    scores = response.scores or {}
    found = {form.format(side): scores.get(name) for name, form in SCORES.items()}
    return {**found, f"{side}-model": response.model}
