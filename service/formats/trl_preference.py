"""TRL preference: prompt, chosen, rejected; strings or messages, explicit or implicit prompt."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.chosen_rejected import common_prefix, decided, sides
from service.formats.fields import (
    Cell,
    decoded,
    holds_messages,
    is_messages,
    message,
    messages,
    required,
    response_of,
    text,
)
from service.formats.fields import turns_of as turns
from service.formats.format import Format
from service.formats.record import Message, Record, Response, RowError

COLUMNS = ("prompt", "chosen", "rejected")
EXACT = 0.9
PYTHON = re.compile(r"\[\{'(role|content|from)': ")  # JSON has double quotes


class TrlPreference(Format):
    name: ClassVar[str] = "trl_preference"
    description: ClassVar[str] = "TRL preference pairs: strings or messages, prompt given or shared"
    columns: ClassVar[tuple[str, ...]] = COLUMNS

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        # Half sure where there are more columns: narrower layouts have these, too, and then win.
        named = [row for row in rows if {"chosen", "rejected"} & row.keys()]
        sure = EXACT if {name for row in rows for name in row} <= {*COLUMNS} else 0.5
        return sure * len(named) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        row = unwrapped(row)
        chosen, rejected = required(row, "chosen"), required(row, "rejected")
        extra = {name: value for name, value in row.items() if name not in COLUMNS}
        if is_messages(chosen) or is_messages(rejected):
            return self.read_messages(row, extra)
        left, right = text(chosen, "chosen"), text(rejected, "rejected")
        prompt = row.get("prompt")
        if prompt is None:
            cut = shared_text(left, right)
            prompt, left, right = left[:cut], left[cut:], right[cut:]
        given = prompt_messages(prompt)
        return decided(given, Response("chosen", left), Response("rejected", right), extra)

    def read_messages(self, row: dict[str, Any], extra: dict[str, Any]) -> Record:
        chosen, rejected = messages(row["chosen"], "chosen"), messages(row["rejected"], "rejected")
        if row.get("prompt") is None:
            cut = common_prefix(chosen, rejected)
            prompt, chosen, rejected = chosen[:cut], chosen[cut:], rejected[cut:]
        else:
            prompt = prompt_messages(row["prompt"])
            if chosen[: len(prompt)] == prompt and rejected[: len(prompt)] == prompt:
                chosen, rejected = chosen[len(prompt) :], rejected[len(prompt) :]
        return decided(
            prompt, response_of(chosen, "chosen"), response_of(rejected, "rejected"), extra
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        return [
            {
                "prompt": list(record.messages),
                "chosen": turns(chosen),
                "rejected": turns(rejected),
                **record.extra,
            }
            for chosen, rejected in sides(record)
        ]


def unwrapped(row: dict[str, Any]) -> dict[str, Any]:
    """With the messages that both answers hold as texts of JSON; RowError for Python's own form."""
    for name in COLUMNS:
        said = row.get(name)
        if isinstance(said, str) and PYTHON.match(said):
            detail = f"{name} is a list of messages as Python prints it: write it as JSON"
            raise RowError("not_json", detail, name)
    cells = {name: Cell(row[name]) for name in COLUMNS if isinstance(row.get(name), str)}
    if not all(name in cells and holds_messages(cells[name]) for name in COLUMNS[1:]):
        return row
    return row | {name: decoded(cell) for name, cell in cells.items() if holds_messages(cell)}


def prompt_messages(prompt: Any) -> list[Message]:
    """A string is one user message."""
    if isinstance(prompt, dict):
        return [message(prompt, "prompt")]
    if isinstance(prompt, list) or (prompt and is_messages(prompt)):
        return messages(prompt, "prompt")
    return [{"role": "user", "content": text(prompt, "prompt")}]


def shared_text(chosen: str, rejected: str) -> int:
    """Length of the shared prefix, cut before a space, as TRL's `extract_prompt` does."""
    for index, (left, right) in enumerate(zip(chosen, rejected, strict=False)):
        if left != right:
            return index - 1 if index and chosen[index - 1] == " " else index
    if chosen == rejected:
        raise RowError("chosen_equals_rejected", "chosen and rejected are the same", "rejected")
    return min(len(chosen), len(rejected))
