"""OpenRLHF: a prompt under its own key beside chosen and rejected, or a response and its score."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.chosen_rejected import decided, sides
from service.formats.fields import is_messages, messages, required, response_of, text, turns_of
from service.formats.format import Format
from service.formats.record import Message, Record, Response, RowError
from service.formats.thumbs import flag, is_flag, thumb, thumbs
from service.formats.trl_preference import prompt_messages

PROMPTS = ("context_messages", "input")  # what --prompt_key names in its published sets
UNPAIRED = ("instruction", "response", "score")


class OpenRlhf(Format):
    name: ClassVar[str] = "openrlhf"
    description: ClassVar[str] = "OpenRLHF: context_messages, chosen, rejected; or response, score"
    columns: ClassVar[tuple[str, ...]] = ("context_messages", "chosen", "rejected")

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        found = [row for row in rows if is_paired(row) or is_unpaired(row)]
        return 0.85 * len(found) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        if "chosen" not in row and "rejected" not in row:
            return read_unpaired(row)
        key = next((name for name in PROMPTS if row.get(name) is not None), "context_messages")
        prompt = prompt_messages(required(row, key))
        chosen, rejected = (answer(row, name) for name in ("chosen", "rejected"))
        names = (key, "chosen", "rejected")
        extra = {name: value for name, value in row.items() if name not in names}
        return decided(prompt, chosen, rejected, extra)

    def write(self, record: Record) -> list[dict[str, Any]]:
        if not record.comparisons:
            return [
                {**write_unpaired(record.messages, response, label), **record.extra}
                for response, label in thumbs(record)
            ]
        return [
            {
                "context_messages": list(record.messages),
                "chosen": turns_of(chosen),
                "rejected": turns_of(rejected),
                **record.extra,
            }
            for chosen, rejected in sides(record)
        ]


def is_paired(row: dict[str, Any]) -> bool:
    named = "context_messages" in row or is_messages(row.get("input"))
    return named and "chosen" in row and "rejected" in row


def is_unpaired(row: dict[str, Any]) -> bool:
    said = "instruction" in row or is_messages(row.get("response"))
    return said and "response" in row and "score" in row and is_flag(row["score"])


def answer(row: dict[str, Any], name: str) -> Response:
    value = required(row, name)
    if is_messages(value):
        return response_of(messages(value, name), name)
    return Response(name, text(value, name))


def read_unpaired(row: dict[str, Any]) -> Record:
    """instruction and response as texts, or the whole dialogue as response."""
    extra = {name: value for name, value in row.items() if name not in UNPAIRED}
    label = flag(row.get("score"), "score")
    response = required(row, "response")
    if not is_messages(response):
        prompt = prompt_messages(required(row, "instruction"))
        return thumb(prompt, Response("response", text(response, "response")), label, extra)
    turns = messages(response, "response")
    if not turns:
        raise RowError("missing_field", "response has no messages", "response")
    return thumb(turns[:-1], response_of(turns[-1:], "response"), label, extra)


def write_unpaired(
    prompt: Sequence[Message], response: Response, label: bool | None
) -> dict[str, Any]:
    turns = turns_of(response)
    if len(turns) != 1:
        raise RowError("not_expressible", "this layout rates one message, not several")
    score = None if label is None else int(label)
    return {"response": [*prompt, *turns], "score": score}
