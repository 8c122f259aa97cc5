"""TRL unpaired preference, for KTO and BCO: one completion and whether it is desirable."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.fields import is_messages, messages, required, response_of, text, turns_of
from service.formats.format import Format
from service.formats.record import Record, Response
from service.formats.thumbs import flag, is_flag, thumb, thumbs
from service.formats.trl_preference import prompt_messages

COLUMNS = ("prompt", "completion", "label")


class TrlUnpaired(Format):
    name: ClassVar[str] = "trl_unpaired"
    description: ClassVar[str] = "TRL unpaired preference (KTO, BCO): a completion and its thumb"
    columns: ClassVar[tuple[str, ...]] = COLUMNS

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        found = [
            row
            for row in rows
            if "prompt" in row and "completion" in row and is_flag(row.get("label"))
        ]
        if not any("label" in row for row in found):
            return 0.0
        return 0.9 * len(found) / len(rows)

    def read(self, row: dict[str, Any]) -> Record:
        completion = required(row, "completion")
        response = (
            response_of(messages(completion, "completion"), "completion")
            if is_messages(completion)
            else Response("completion", text(completion, "completion"))
        )
        extra = {name: value for name, value in row.items() if name not in COLUMNS}
        label = flag(row.get("label"), "label")
        return thumb(prompt_messages(required(row, "prompt")), response, label, extra)

    def write(self, record: Record) -> list[dict[str, Any]]:
        return [
            {
                "prompt": list(record.messages),
                "completion": turns_of(response),
                "label": label,
                **record.extra,
            }
            for response, label in thumbs(record)
        ]
