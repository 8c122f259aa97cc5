"""TRL stepwise supervision: a response in steps, and whether each step is right."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.fields import decoded, required, text
from service.formats.format import Format
from service.formats.record import Record, Response, RowError
from service.formats.thumbs import flag, only_thumbs, up_or_down
from service.formats.trl_preference import prompt_messages

COLUMNS = ("prompt", "completions", "labels")


class TrlStepwise(Format):
    name: ClassVar[str] = "trl_stepwise"
    description: ClassVar[str] = "TRL stepwise supervision: steps of a response, each right or not"
    columns: ClassVar[tuple[str, ...]] = COLUMNS

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        found = [
            row
            for row in rows
            if all(isinstance(decoded(row.get(name)), list) for name in ("completions", "labels"))
            and "prompt" in row
        ]
        return 0.9 * len(found) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        steps, labels = listed(row, "completions"), listed(row, "labels")
        if len(steps) != len(labels):
            detail = f"{len(steps)} completions, but {len(labels)} labels"
            raise RowError("wrong_length", detail, "labels")
        turns = [
            {"role": "assistant", "content": text(step, f"completions[{index}]")}
            for index, step in enumerate(steps)
        ]
        given = [flag(label, f"labels[{index}]") for index, label in enumerate(labels)]
        prompt = prompt_messages(required(row, "prompt"))
        return Record(
            prompt,
            (Response("completion", messages=turns),),
            ratings=tuple(
                up_or_down(label, "completion", turn)
                for turn, label in enumerate(given)
                if label is not None
            ),
            extra={name: value for name, value in row.items() if name not in COLUMNS},
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        only_thumbs(record)
        return [
            {
                "prompt": plain(record),
                "completions": [said for said, _ in steps_of(record, response)],
                "labels": [label for _, label in steps_of(record, response)],
                **record.extra,
            }
            for response in record.responses
        ]


def listed(row: dict[str, Any], name: str) -> list[Any]:
    value = decoded(required(row, name))
    if not isinstance(value, list):
        raise RowError("wrong_type", f"{name} must be a list", name)
    return value


def plain(record: Record) -> Any:
    """One user message is written as its text, as the trainer wants it; else the messages."""
    said = list(record.messages)
    if len(said) == 1 and said[0].keys() == {"role", "content"} and said[0]["role"] == "user":
        return said[0]["content"]
    return said


def steps_of(record: Record, response: Response) -> list[tuple[str, bool | None]]:
    """(text, whether right) of each step; a step without a label has None."""
    turns = response.messages
    if turns is None or not all(is_step(turn) for turn in turns):
        raise RowError("not_expressible", "this layout holds responses in steps of plain text")
    labels: dict[int | None, bool] = {}
    for label in record.ratings:
        if label.response == response.id:
            if label.turn in labels or label.turn not in range(len(turns)):
                raise RowError("not_expressible", "this layout holds one thumb a step")
            labels[label.turn] = bool(label.value)
    return [(turn["content"], labels.get(index)) for index, turn in enumerate(turns)]


def is_step(turn: Any) -> bool:
    return (
        turn.keys() == {"role", "content"}
        and turn["role"] == "assistant"
        and (isinstance(turn["content"], str))
    )
