"""HelpSteer3 feedback (arXiv:2503.04378): two responses, and what people say of each."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats import helpfulness
from service.formats.faithful import faithful, unsaid
from service.formats.fields import messages, required, text
from service.formats.format import Format
from service.formats.published import others, with_keys
from service.formats.record import Record, Response

SAID = {"response1": "feedback1", "response2": "feedback2"}
UNRATED = "feedback_unrated"  # texts that say no level, by response and place


class HelpSteer3Feedback(Format):
    name: ClassVar[str] = "helpsteer3_feedback"
    description: ClassVar[str] = "HelpSteer3 feedback: helpfulness 0-4 of two responses, and why"
    columns: ClassVar[tuple[str, ...]] = ("context", *SAID, *SAID.values())

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        return with_keys(rows, *self.columns)

    def read(self, row: dict[str, Any]) -> Record:
        given = {side: helpfulness.said_in(row, name) for side, name in SAID.items()}
        rated = [helpfulness.ratings(given[side], side) for side in SAID]
        left = {side: kept for side in SAID if (kept := helpfulness.unrated(given[side]))}
        extra = others(row, *self.columns)
        return Record(
            messages(required(row, "context"), "context"),
            tuple(Response(side, text(required(row, side), side)) for side in SAID),
            ratings=tuple(each for ratings in rated for each in ratings),
            extra=extra | {UNRATED: left} if left and UNRATED not in extra else extra,
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        if len(record.responses) != len(SAID) or any(r.text is None for r in record.responses):
            raise unsaid(self, "it rates two texts")
        left = record.extra.get(UNRATED)
        kept = left if isinstance(left, dict) else {}
        sides = [*zip(SAID.items(), record.responses, strict=True)]
        row = {
            **others(record.extra, UNRATED),
            "context": list(record.messages),
            **{side: response.text for (side, _), response in sides},
            **{
                name: helpfulness.texts(record.ratings, response.id, kept.get(side))
                for (side, name), response in sides
            },
        }
        return faithful(self, record, [row])
