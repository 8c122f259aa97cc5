"""HHH alignment (arXiv:2112.00861) as a judge's prompts: dialogue, answer, rubric in one text."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from service.formats.fields import required, text
from service.formats.format import Format
from service.formats.hh import transcript, transcript_turns
from service.formats.published import exactly, others, with_keys
from service.formats.record import Annotator, Comparison, Record, Response, RowError
from service.tables.labels import Outcome

SIDES = ("chosen_instruction", "rejected_instruction")
PARTS = re.compile(
    r"(?P<task>.*?)###The instruction to evaluate:\n(?P<prompt>.*?)"
    r"\n\n###Response to evaluate:\n(?P<answer>.*?)\n\n###Score Rubrics:\n(?P<rubric>.*)",
    re.DOTALL,
)
FIRST = "\n\nHuman: "


class Judged(NamedTuple):
    task: str
    prompt: str
    answer: str
    rubric: str


class Hhh(Format):
    name: ClassVar[str] = "hhh"
    description: ClassVar[str] = "Helpful, honest, harmless: two judge's prompts a row; gold"
    columns: ClassVar[tuple[str, ...]] = ("source", *SIDES)

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        return with_keys(rows, *SIDES)

    def read(self, row: dict[str, Any]) -> Record:
        chosen, rejected = (judged(required(row, name), name) for name in SIDES)
        if chosen._replace(answer="") != rejected._replace(answer=""):
            raise RowError("different_prompts", "the two sides judge different tasks", SIDES[1])
        if chosen.answer == rejected.answer:
            raise RowError("chosen_equals_rejected", "both answers are the same", SIDES[1])
        return Record(
            transcript_turns(FIRST + chosen.prompt, SIDES[0]),
            (Response("chosen", chosen.answer), Response("rejected", rejected.answer)),
            (Comparison(Annotator("hhh", "rule"), a="chosen", b="rejected", outcome=Outcome.a),),
            gold={"better": ["chosen"], "worse": ["rejected"], "basis": "HHH alignment"},
            extra={"task": chosen.task, "rubric": chosen.rubric, **others(row, *SIDES)},
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        task, rubric = record.extra.get("task", ""), record.extra.get("rubric", "")
        prompt = transcript(record.messages).removeprefix(FIRST)
        row = {
            f"{response.id}_instruction": (
                f"{task}###The instruction to evaluate:\n{prompt}"
                f"\n\n###Response to evaluate:\n{response.text}\n\n###Score Rubrics:\n{rubric}"
            )
            for response in record.responses
        }
        return exactly(self, record, row | others(record.extra, "task", "rubric"))


def judged(value: Any, field: str) -> Judged:
    found = PARTS.fullmatch(text(value, field))
    if found is None:
        raise RowError("not_a_task", f"{field} lacks the headings of a judge's task", field)
    return Judged(**found.groupdict())
