"""Battles of two models: Chatbot Arena, MT-bench's judgments, and the tables made of them."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.chosen_rejected import common_prefix
from service.formats.faithful import faithful, unsaid
from service.formats.fields import (
    Cell,
    decoded,
    is_messages,
    messages,
    optional_text,
    required,
    response_of,
    text,
    turns_of,
)
from service.formats.format import Format
from service.formats.label_columns import (
    columns_of,
    identifier,
    label_of,
    shown_of,
    strength_of,
)
from service.formats.published import others
from service.formats.record import Comparison, Message, Record, Response, RowError
from service.formats.thumbs import flag
from service.formats.trl_preference import prompt_messages
from service.tables.labels import Outcome

FLAGS = {"winner_model_a": Outcome.a, "winner_model_b": Outcome.b, "winner_tie": Outcome.tie}
WINNERS = {
    "model_a": Outcome.a, "a": Outcome.a, "model_b": Outcome.b, "b": Outcome.b,
    "tie": Outcome.tie, "tie (inconsistent)": Outcome.tie, "tie (bothbad)": Outcome.both_bad,
    "both_bad": Outcome.both_bad, "bothbad": Outcome.both_bad,
}  # fmt: skip
WINNER = {
    Outcome.a: "model_a", Outcome.b: "model_b", Outcome.tie: "tie",
    Outcome.both_bad: "tie (bothbad)",
}  # fmt: skip
OWN = ("model_a", "model_b", "winner", *FLAGS)
LABEL = ("judge", "annotator_kind", "aspect", "rationale", "strength", "shown")


class Arena(Format):
    name: ClassVar[str] = "arena"
    description: ClassVar[str] = "Arena battles: two models' conversations and the winner, or a tie"
    columns: ClassVar[tuple[str, ...]] = (
        "question_id", "model_a", "model_b", "conversation_a", "conversation_b", "winner", "judge",
    )  # fmt: skip

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        found = [row for row in rows if {"model_a", "model_b"} <= row.keys() and is_battle(row)]
        return 0.95 * len(found) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        sides = "conversation" if "conversation_a" in row else "response"
        prompt, *answers = dialogues(row) if sides == "conversation" else answered(row)
        responses = tuple(
            named(turns, id, optional_text(row, f"model_{id}", f"model_{id}"))
            for turns, id in zip(answers, ("a", "b"), strict=True)
        )
        outcome, detail = winner_of(row)
        label = label_of(row, "judge")
        label |= {"a": "a", "b": "b", "strength": strength_of(row), "shown": shown_of(row)}
        read = ["prompt"] if sides == "response" else []
        id = "question_id" if row.get("question_id") is not None else "id"
        extra = others(row, *OWN, *LABEL, *read, id, f"{sides}_a", f"{sides}_b")
        return Record(
            prompt,
            responses,
            () if outcome is None else (Comparison(**label, outcome=outcome),),
            record_id=identifier(row, id),
            extra=extra | detail,
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        by_id = {response.id: response for response in record.responses}
        if not record.comparisons and len(by_id) == 2:
            rows = [battle(record, *record.responses) | {"winner": ""}]
        else:
            rows = [
                battle(record, by_id[label.a], by_id[label.b])
                | {"winner": WINNER[label.outcome], **columns_of(label, "judge")}
                | {"strength": label.strength, "shown": label.shown}
                for label in record.comparisons
            ]
        if not rows:
            raise unsaid(self, "nothing is compared")
        found = faithful(self, record, [row | record.extra for row in rows])
        return [{"model_a": None, "model_b": None, **row} for row in found]


def is_battle(row: dict[str, Any]) -> bool:
    said = [{f"{name}_a", f"{name}_b"} <= row.keys() for name in ("conversation", "response")]
    return any(said) and ("winner" in row or FLAGS.keys() <= row.keys())


def dialogues(row: dict[str, Any]) -> tuple[list[Message], list[Message], list[Message]]:
    """What both conversations begin with, and how each goes on."""
    a, b = (messages(required(row, name), name) for name in ("conversation_a", "conversation_b"))
    cut = common_prefix(a, b)
    return a[:cut], a[cut:], b[cut:]


def answered(row: dict[str, Any]) -> tuple[list[Message], list[Message], list[Message]]:
    """The same of a prompt and two responses; in the Kaggle table each is the JSON of its turns."""
    names = ("prompt", "response_a", "response_b")
    given = [required(row, name) for name in names]
    turns = [texts_in(value) for value in given]
    asked = turns[0]
    if asked and all(each is not None and len(each) == len(asked) for each in turns):
        later = [{"role": "user", "content": said} for said in asked[1:]]
        a, b = (interleaved(each or [], later) for each in turns[1:])
        return [{"role": "user", "content": asked[0]}], a, b
    a, b = (side(value, name) for value, name in zip(given[1:], names[1:], strict=True))
    return prompt_messages(given[0]), a, b


def texts_in(value: Any) -> list[str] | None:
    """A list of texts, also as JSON; an answer that is null there is an empty one."""
    if isinstance(value, str) and value.startswith("["):
        value = decoded(Cell(value))
    if not isinstance(value, list) or not all(isinstance(each, str | None) for each in value):
        return None
    return [each or "" for each in value]


def interleaved(answers: Sequence[str], later: Sequence[Message]) -> list[Message]:
    said: list[Message] = [{"role": "assistant", "content": answer} for answer in answers]
    turns = [each for pair in zip(said[1:], later, strict=True) for each in reversed(pair)]
    return [said[0], *turns]


def side(value: Any, name: str) -> list[Message]:
    if is_messages(value):
        return messages(value, name)
    return [{"role": "assistant", "content": text(value, name)}]


def named(turns: Sequence[Message], id: str, model: str | None) -> Response:
    found = response_of(turns, id)
    return Response(id, found.text, found.messages, model=model)


def winner_of(row: dict[str, Any]) -> tuple[Outcome | None, dict[str, Any]]:
    """The outcome, if any; and why a tie is one, where a judge was inconsistent."""
    if row.get("winner") not in (None, ""):
        said = str(row["winner"]).strip().lower()
        if said not in WINNERS:
            detail = f"winner is {said!r}; known: {', '.join(WINNERS)}"[:200]
            raise RowError("wrong_type", detail, "winner")
        inconsistent = said == "tie (inconsistent)"
        return WINNERS[said], {"tie": "inconsistent"} if inconsistent else {}
    won = [outcome for name, outcome in FLAGS.items() if flag(row.get(name), name)]
    if len(won) > 1:
        raise RowError("wrong_value", "more than one side has won", "winner_model_a")
    return (won[0] if won else None), {}


def battle(record: Record, a: Response, b: Response) -> dict[str, Any]:
    return {
        "question_id": record.record_id,
        "model_a": a.model,
        "model_b": b.model,
        "conversation_a": [*record.messages, *turns_of(a)],
        "conversation_b": [*record.messages, *turns_of(b)],
    }
