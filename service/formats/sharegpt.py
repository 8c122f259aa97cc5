"""Turns as {from, value}: what ShareGPT began and LLaMA-Factory reads."""

from typing import Any

import orjson

from service.formats.fields import ROLES, text
from service.formats.record import Message, RowError

FROM = {"observation": "tool", "function_call": "assistant"} | ROLES
TO = {"user": "human", "assistant": "gpt", "system": "system", "tool": "observation"}


def is_turns(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(turn, dict) and {"from", "value"} <= turn.keys() for turn in value
    )


def read_turns(value: Any, name: str) -> list[Message]:
    if not isinstance(value, list):
        raise RowError("wrong_type", f"{name} must be a list of turns", name)
    return [read_turn(turn, f"{name}[{index}]") for index, turn in enumerate(value)]


def read_turn(turn: Any, name: str) -> Message:
    """A function call becomes an assistant's message with `tool_calls`; other keys are kept."""
    if not isinstance(turn, dict):
        raise RowError("wrong_type", f"{name} must be an object with from and value", name)
    role = FROM.get(str(turn.get("from")))
    if role is None:
        raise RowError("wrong_type", f"{name}.from is {turn.get('from')!r}"[:200], f"{name}.from")
    value = text(turn.get("value"), f"{name}.value")
    rest = {key: kept for key, kept in turn.items() if key not in ("from", "value")}
    if turn["from"] != "function_call":
        return {"role": role, "content": value, **rest}
    return {"role": role, "tool_calls": calls_of(value, name), **rest}


def calls_of(value: str, name: str) -> list[dict[str, Any]]:
    """The JSON of one function call, or a list of them, in OpenAI's form."""
    try:
        called = orjson.loads(value)
        calls = called if isinstance(called, list) else [called]
        if not calls or not all(isinstance(call, dict) for call in calls):
            raise RowError("wrong_type", f"{name}.value holds no function call", f"{name}.value")
        tool_calls = [{"type": "function", "function": call} for call in calls]
        orjson.dumps([[tool_calls]])  # a record must be JSON to its end, which has fewer levels
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        raise RowError("wrong_type", f"{name}.value is no JSON", f"{name}.value") from None
    return tool_calls


def write_turn(said: Message) -> dict[str, Any]:
    rest = {key: value for key, value in said.items() if key not in ("role", "content")}
    calls = rest.pop("tool_calls", None)
    if is_calls(calls) and said.get("content") is None:
        called = [call["function"] for call in calls]
        value = orjson.dumps(called[0] if len(called) == 1 else called).decode()
        return {"from": "function_call", "value": value, **rest}
    if calls or not isinstance(said.get("content"), str):
        raise RowError("not_expressible", "a turn holds plain text or a function call")
    return {"from": TO[said["role"]], "value": said["content"], **rest}


def is_calls(value: Any) -> bool:
    """Calls that say no more than a function and its arguments."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(call, dict)
            and call.keys() == {"type", "function"}
            and call["type"] == "function"
            and isinstance(call["function"], dict)
            for call in value
        )
    )
