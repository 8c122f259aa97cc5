"""The fields of an annotation tool's task: which is the prompt, and which are the answers."""

import re
from collections.abc import Sequence
from typing import Any

from service.formats.fields import is_messages, messages, response_of, text
from service.formats.record import Message, Record, Response, RowError
from service.formats.trl_preference import prompt_messages
from service.formats.trl_stepwise import plain

PROMPTS = ("prompt", "question", "instruction", "dialogue", "conversation", "chat", "input")
ANSWER = re.compile(
    r"(answer|response|completion|generation|output|reply|summary|text|txt)[-_ ]?([0-9]+|[a-h])?"
)
MODEL = "{}_model"


def prompt_in(fields: dict[str, Any], place: str) -> tuple[str, list[Message]]:
    """The prompt's field, and what it says."""
    name = next((name for name in PROMPTS if fields.get(name) is not None), None)
    if name is None:
        raise RowError("missing_field", f"{place} has no prompt: {', '.join(PROMPTS)}", place)
    return name, prompt_messages(fields[name])


def answers_in(fields: dict[str, Any], prompt: str, place: str) -> list[Response]:
    """The answers by the names of their fields, in the fields' order."""
    found: list[Response] = []
    for name, value in fields.items():
        if name == prompt or not ANSWER.fullmatch(name) or value is None:
            continue
        at, model = f"{place}.{name}", fields.get(MODEL.format(name))
        said = (
            response_of(messages(value, at), name)
            if is_messages(value)
            else Response(name, text(value, at))
        )
        by = None if model is None else text(model, f"{at}_model")
        found.append(Response(name, said.text, said.messages, model=by))
    return found


def named_answer(question: str, ids: Sequence[str]) -> tuple[str, str | None]:
    """A question about one answer is called by it: (`quality`, `answer1`) of `quality_answer1`."""
    for id in sorted(ids, key=len, reverse=True):
        for name in (question.removesuffix(f"_{id}"), question.removesuffix(f"-{id}")):
            if name != question:
                return name, id
    return question, ids[0] if len(ids) == 1 else None


def left_in(fields: dict[str, Any], prompt: str) -> dict[str, Any]:
    """The fields that are neither."""
    models = {MODEL.format(name) for name in fields if ANSWER.fullmatch(name)}
    return {
        name: value
        for name, value in fields.items()
        if name != prompt and name not in models and (value is None or not ANSWER.fullmatch(name))
    }


def fields_of(record: Record) -> tuple[dict[str, Any], dict[str, str]]:
    """The fields of a record, and the field of each response: its own id, where that is a name."""
    ids = [response.id for response in record.responses]
    own = all(ANSWER.fullmatch(id) and id not in PROMPTS for id in ids)
    names = {id: id if own else f"answer{place}" for place, id in enumerate(ids, start=1)}
    fields: dict[str, Any] = {"prompt": plain(record)}
    for response in record.responses:
        name = names[response.id]
        fields[name] = list(response.messages) if response.messages is not None else response.text
        if response.model is not None:
            fields[MODEL.format(name)] = response.model
    return fields, names
