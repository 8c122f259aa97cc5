"""Checked access to the fields of a row."""

import math
from collections.abc import Sequence
from typing import Any

import orjson

from service.formats.record import Message, Response, RowError

ROLES = {
    "user": "user", "human": "user", "Human": "user", "prompter": "user", "User": "user",
    "assistant": "assistant", "gpt": "assistant", "Assistant": "assistant", "bot": "assistant",
    "system": "system", "System": "system", "tool": "tool", "function": "tool",
}  # fmt: skip


class Cell(str):
    """A cell of a CSV file: text where text is asked for, else the JSON that it holds."""

    __slots__ = ()


def decoded(value: Any) -> Any:
    """What a cell says as JSON; the value itself where it is none, or says nothing as JSON."""
    if not isinstance(value, Cell):
        return value
    try:
        return orjson.loads(str(value))  # a subclass of str is refused
    except orjson.JSONDecodeError:
        return value


def opened(row: dict[str, Any], lists: Sequence[str] = ()) -> dict[str, Any]:
    """The row with cells that hold messages, turns or completions as these, and those of `lists`.

    Any other cell stays text: an answer may be JSON itself.
    """
    return {
        name: decoded(value) if name in lists or holds_messages(value) else value
        for name, value in row.items()
    }


def holds_messages(value: Any) -> bool:
    if not isinstance(value, Cell) or not value.startswith(("[", "{")):
        return False
    said = decoded(value)
    found = said if isinstance(said, list) else [said]
    keys = ("role", "from", "completion")
    return bool(found) and all(isinstance(m, dict) and m.keys() & set(keys) for m in found)


def required(row: dict[str, Any], name: str) -> Any:
    if row.get(name) is None:
        raise RowError("missing_field", f"{name} is missing", name)
    return row[name]


def text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise RowError("wrong_type", f"{name} must be a string, not {type(value).__name__}", name)
    return str(value)


def optional_text(row: dict[str, Any], name: str, field: str) -> str | None:
    return None if row.get(name) is None else text(row[name], field)


def number(value: Any, name: str) -> float:
    """A finite number; the strings "NaN" and "inf" are told apart from other wrong types."""
    value = decoded(value)
    if isinstance(value, str) and value.strip().lower().lstrip("+-") in ("nan", "inf", "infinity"):
        raise RowError("not_finite", f"{name} is {value!r}", name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RowError("wrong_type", f"{name} must be a number, not {type(value).__name__}", name)
    try:
        result = float(value)
    except OverflowError:
        raise RowError("not_finite", f"{name} does not fit a double", name) from None
    if not math.isfinite(result):
        raise RowError("not_finite", f"{name} is {value}", name)
    return result


def integer(value: Any, name: str) -> int:
    """A whole number; 4.0 in a cell is one, as spreadsheets write it."""
    if isinstance(value, Cell):
        value = decoded(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 2**31:
        raise RowError("wrong_type", f"{name} must be a whole number", name)
    return value


def items(row: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The list of objects under a key; empty where the key is missing."""
    value = decoded(row.get(name))
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise RowError("wrong_type", f"{name} must be a list of objects", name)
    return value


def messages(value: Any, name: str) -> list[Message]:
    """[{role, content, …}] with the roles' aliases resolved."""
    value = decoded(value)
    if not isinstance(value, list):
        raise RowError("wrong_type", f"{name} must be a list of messages", name)
    return [message(item, f"{name}[{index}]") for index, item in enumerate(value)]


def message(value: Any, name: str) -> Message:
    if not isinstance(value, dict):
        raise RowError("wrong_type", f"{name} must be an object with role and content", name)
    role = ROLES.get(str(value.get("role")))
    if role is None:
        raise RowError("wrong_type", f"{name}.role is {value.get('role')!r}", f"{name}.role")
    content = value.get("content")
    if content is None and "tool_calls" not in value:
        raise RowError("missing_field", f"{name}.content is missing", f"{name}.content")
    if content is not None and not isinstance(content, str | list):
        raise RowError("wrong_type", f"{name}.content must be text or parts", f"{name}.content")
    if isinstance(content, list) and not all(map(is_part, content)):
        raise RowError("wrong_type", f"{name}.content has a wrong part", f"{name}.content")
    return {**value, "role": role}


def is_part(value: Any) -> bool:
    """A part of a multimodal content; one of type text has its text."""
    if not isinstance(value, dict):
        return False
    return value.get("type") != "text" or isinstance(value.get("text"), str)


def is_messages(value: Any) -> bool:
    value = decoded(value) if isinstance(value, Cell) and value.startswith("[") else value
    return isinstance(value, list) and all(isinstance(m, dict) and "role" in m for m in value)


def response_of(turns: Sequence[Message], id: str) -> Response:
    """One assistant message with plain text is a text; anything else stays as messages."""
    if len(turns) == 1 and turns[0].keys() == {"role", "content"}:
        only = turns[0]
        if only["role"] == "assistant" and isinstance(only["content"], str):
            return Response(id, only["content"])
    return Response(id, messages=list(turns))


def turns_of(response: Response) -> list[Message]:
    """The response as messages: the reverse of `response_of`; `not_expressible` for an image."""
    if response.messages is not None:
        return list(response.messages)
    if response.text is None:
        raise RowError("not_expressible", "this layout holds texts, no images")
    return [{"role": "assistant", "content": response.text}]
