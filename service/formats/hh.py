"""HH-RLHF transcripts: chosen and rejected hold "\\n\\nHuman: … \\n\\nAssistant: …"."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.chosen_rejected import common_prefix, decided, sides
from service.formats.fields import required, response_of, text, turns_of
from service.formats.format import Format
from service.formats.record import Message, Record, RowError

TURN = re.compile(r"\n\n(Human|Assistant):")
ROLE = {"Human": "user", "Assistant": "assistant"}
SPEAKER = {role: speaker for speaker, role in ROLE.items()}


class HhTranscripts(Format):
    name: ClassVar[str] = "hh"
    description: ClassVar[str] = "HH-RLHF: two transcripts that share their first turns"
    columns: ClassVar[tuple[str, ...]] = ("chosen", "rejected")

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        def transcript(value: Any) -> bool:
            return isinstance(value, str) and TURN.match(value) is not None

        found = [
            row
            for row in rows
            if "prompt" not in row
            and transcript(row.get("chosen"))
            and transcript(row.get("rejected"))
        ]
        return len(found) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        chosen = transcript_turns(text(required(row, "chosen"), "chosen"), "chosen")
        rejected = transcript_turns(text(required(row, "rejected"), "rejected"), "rejected")
        cut = common_prefix(chosen, rejected)
        extra = {name: value for name, value in row.items() if name not in self.columns}
        return decided(
            chosen[:cut],
            response_of(chosen[cut:], "chosen"),
            response_of(rejected[cut:], "rejected"),
            extra,
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        return [
            {
                "chosen": transcript([*record.messages, *turns_of(chosen)]),
                "rejected": transcript([*record.messages, *turns_of(rejected)]),
                **record.extra,
            }
            for chosen, rejected in sides(record)
        ]


def transcript_turns(value: str, name: str) -> list[Message]:
    """The turns, without the one space after the speaker's colon."""
    parts = TURN.split(value)
    if len(parts) < 3 or parts[0].strip():
        raise RowError("not_a_transcript", f'{name} does not start with "\\n\\nHuman:"', name)
    return [
        {"role": ROLE[speaker], "content": said.removeprefix(" ")}
        for speaker, said in zip(parts[1::2], parts[2::2], strict=True)
    ]


def transcript(turns: Sequence[Message]) -> str:
    for turn in turns:
        if turn["role"] not in SPEAKER or not isinstance(turn.get("content"), str):
            raise RowError("not_expressible", f"a transcript has no {turn['role']!r} turns")
    return "".join(f"\n\n{SPEAKER[turn['role']]}: {turn['content']}" for turn in turns)
