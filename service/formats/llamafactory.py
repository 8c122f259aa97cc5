"""LLaMA-Factory: alpaca and sharegpt rows, for preferences and for KTO."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.chosen_rejected import decided, sides
from service.formats.fields import opened, required, response_of, text, turns_of
from service.formats.format import Format
from service.formats.record import Message, Record, Response, RowError
from service.formats.sharegpt import is_turns, read_turn, read_turns, write_turn
from service.formats.thumbs import flag, thumb, thumbs

ALPACA = ("instruction", "input", "system", "history")
SHAREGPT = ("conversations", "system")
ANSWERS = ("chosen", "rejected", "output", "kto_tag")


class LlamaFactory(Format):
    name: ClassVar[str] = "llamafactory"
    description: ClassVar[str] = "LLaMA-Factory: alpaca or sharegpt, ranking or with kto_tag"
    columns: ClassVar[tuple[str, ...]] = ("conversations", "chosen", "rejected")

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        sure = [certainty(opened(row)) for row in rows]
        return sum(sure) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        row = opened(row, ("conversations", "history"))
        dialogue = "conversations" in row
        prompt = read_dialogue(row) if dialogue else read_alpaca(row)
        own = (*(SHAREGPT if dialogue else ALPACA), *ANSWERS)
        extra = {name: value for name, value in row.items() if name not in own}
        if "kto_tag" in row:
            return read_kto(row, prompt, extra)
        chosen, rejected = (
            response_of([read_answer(row, name)], name) for name in ("chosen", "rejected")
        )
        return decided(prompt, chosen, rejected, extra)

    def write(self, record: Record) -> list[dict[str, Any]]:
        prompt = [write_turn(said) for said in record.messages]
        if not record.comparisons:
            return [
                {
                    "conversations": [*prompt, write_answer(response)],
                    "kto_tag": label,
                    **record.extra,
                }
                for response, label in thumbs(record)
            ]
        return [
            {
                "conversations": prompt,
                "chosen": write_answer(chosen),
                "rejected": write_answer(rejected),
                **record.extra,
            }
            for chosen, rejected in sides(record)
        ]


def certainty(row: dict[str, Any]) -> float:
    if is_turns(row.get("conversations")):
        paired = row.keys() >= {"chosen", "rejected"}
        return 0.95 if paired or "kto_tag" in row else 0.0
    if "instruction" not in row:
        return 0.0
    if row.keys() >= {"output", "kto_tag"}:
        return 0.95
    return 0.8 if row.keys() >= {"chosen", "rejected"} else 0.0


def read_alpaca(row: dict[str, Any]) -> list[Message]:
    """system, the history's turns, then "instruction\\ninput"."""
    asked = [text(required(row, "instruction"), "instruction")]
    if row.get("input"):
        asked.append(text(row["input"], "input"))
    said: list[Message] = system_of(row)
    for index, turn in enumerate(pairs_of(row.get("history"))):
        field = f"history[{index}]"
        if len(turn) != 2:
            raise RowError("wrong_type", f"{field} must be [question, answer]", field)
        said.append({"role": "user", "content": text(turn[0], field)})
        said.append({"role": "assistant", "content": text(turn[1], field)})
    return [*said, {"role": "user", "content": "\n".join(filter(None, asked))}]


def pairs_of(history: Any) -> list[Any]:
    if history is None:
        return []
    if not isinstance(history, list) or not all(isinstance(turn, list) for turn in history):
        raise RowError("wrong_type", "history must be a list of [question, answer]", "history")
    return history


def read_dialogue(row: dict[str, Any]) -> list[Message]:
    turns = read_turns(required(row, "conversations"), "conversations")
    if turns and turns[0]["role"] == "system":
        return turns  # overrides the column, as in LLaMA-Factory
    return [*system_of(row), *turns]


def system_of(row: dict[str, Any]) -> list[Message]:
    if not row.get("system"):
        return []
    return [{"role": "system", "content": text(row["system"], "system")}]


def read_answer(row: dict[str, Any], name: str) -> Message:
    value = required(row, name)
    if isinstance(value, str):
        return {"role": "assistant", "content": value}
    return read_turn(value, name)


def read_kto(row: dict[str, Any], prompt: list[Message], extra: dict[str, Any]) -> Record:
    label = flag(row["kto_tag"], "kto_tag")
    if "conversations" not in row:
        output = text(required(row, "output"), "output")
        return thumb(prompt, Response("output", output), label, extra)
    if not prompt or prompt[-1]["role"] != "assistant":
        detail = "conversations does not end with an answer"
        raise RowError("missing_field", detail, "conversations")
    return thumb(prompt[:-1], response_of(prompt[-1:], "output"), label, extra)


def write_answer(response: Response) -> dict[str, Any]:
    turns = turns_of(response)
    if len(turns) != 1 or turns[0]["role"] != "assistant":
        raise RowError("not_expressible", "this layout holds one answer, not several messages")
    return write_turn(turns[0])
