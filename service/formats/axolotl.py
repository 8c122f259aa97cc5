"""Axolotl's documented rows: chat_template.default, and the chatml and llama3 ones for DPO, KTO."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.chosen_rejected import decided, sides
from service.formats.fields import (
    is_messages,
    message,
    messages,
    opened,
    required,
    response_of,
    text,
)
from service.formats.fields import turns_of as turns
from service.formats.format import Format
from service.formats.record import Message, Record, Response, RowError
from service.formats.thumbs import flag, is_flag, thumb, thumbs

# question: intel, instruction: argilla, input: icr, prompt: prompt_pairs and ultra
QUESTIONS = ("question", "instruction", "input", "prompt")
ANSWERS = (("chosen", "rejected"), ("chosen_response", "rejected_response"))
UNPAIRED = ("completion", "label")


class Axolotl(Format):
    name: ClassVar[str] = "axolotl"
    description: ClassVar[str] = "Axolotl: messages, chosen {role, content}, rejected; chatml.*"
    columns: ClassVar[tuple[str, ...]] = ("messages", "chosen", "rejected")

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        sure = [certainty(opened(row)) for row in rows]
        return sum(sure) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        row = opened(row)
        if "messages" in row:
            prompt, used = messages(row["messages"], "messages"), ["messages"]
        else:
            prompt, used = question(row)
        if "completion" in row:
            response = Response("completion", text(row["completion"], "completion"))
            extra = without(row, [*used, *UNPAIRED])
            return thumb(prompt, response, flag(row.get("label"), "label"), extra)
        names = ANSWERS[1] if "chosen_response" in row else ANSWERS[0]
        chosen, rejected = (answer(row, name, len(prompt)) for name in names)
        return decided(
            prompt,
            response_of(chosen, "chosen"),
            response_of(rejected, "rejected"),
            without(row, [*used, *names]),
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        if not record.comparisons:
            return [
                {**as_question(record.messages), **completion(response, label), **record.extra}
                for response, label in thumbs(record)
            ]
        return [
            {
                "messages": list(record.messages),
                "chosen": only(chosen),
                "rejected": only(rejected),
                **record.extra,
            }
            for chosen, rejected in sides(record)
        ]


def certainty(row: dict[str, Any]) -> float:
    if row.keys() >= {"messages", "chosen", "rejected"}:
        return 0.9 if isinstance(row["chosen"], dict | str) else 0.4
    if "chosen_response" in row and "rejected_response" in row:
        return 0.9
    named = row.keys() & {"question", "input", "system"} and row.keys() & set(QUESTIONS)
    if named and "chosen" in row and "rejected" in row:
        return 0.6
    return 0.92 if named and row.keys() >= set(UNPAIRED) and is_flag(row["label"]) else 0.0


def without(row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def question(row: dict[str, Any]) -> tuple[list[Message], list[str]]:
    """The prompt of a row of texts, and the names of its columns."""
    name = next((name for name in QUESTIONS if row.get(name) is not None), "prompt")
    said: list[Message] = [{"role": "user", "content": text(required(row, name), name)}]
    if row.get("system"):
        said.insert(0, {"role": "system", "content": text(row["system"], "system")})
    return said, [name, "system"]


def answer(row: dict[str, Any], name: str, prompt: int) -> list[Message]:
    """One assistant message; of a whole dialogue (`ultra`) what follows the prompt."""
    value = required(row, name)
    if isinstance(value, str):
        return [{"role": "assistant", "content": value}]
    if is_messages(value):
        found = messages(value, name)
        return found[-1:] if len(found) <= prompt + 1 else found[prompt:]
    return [message(value, name)]


def only(response: Response) -> Message:
    """The one message that Axolotl's chosen and rejected are."""
    said = turns(response)
    if len(said) != 1:
        raise RowError("not_expressible", "this layout holds one answer, not several messages")
    return said[0]


def as_question(prompt: Sequence[Message]) -> dict[str, Any]:
    """`question` and `system` of a prompt that is no dialogue: type chatml.intel."""
    roles = [said["role"] for said in prompt]
    plain = all(isinstance(said.get("content"), str) for said in prompt)
    if not plain or roles not in (["user"], ["system", "user"]):
        raise RowError("not_expressible", "this layout rates answers to one question only")
    system = {"system": prompt[0]["content"]} if len(prompt) == 2 else {}
    return {**system, "question": prompt[-1]["content"]}


def completion(response: Response, label: bool | None) -> dict[str, Any]:
    if response.text is None:
        raise RowError("not_expressible", "this layout rates answers of plain text only")
    return {"completion": response.text, "label": label}
