"""HelpSteer3's preferences (arXiv:2505.11475): two responses, each annotator's score and reason."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.faithful import faithful, unsaid
from service.formats.fields import items, messages, optional_text, required, text
from service.formats.format import Format
from service.formats.preference_scores import is_overall, overall, score_of, scored
from service.formats.published import others, with_keys
from service.formats.ranked import rest_of
from service.formats.record import Comparison, Record, Response

SIDES = ("response1", "response2")
OVERALL, SINGLE = "overall_preference", "individual_preference"
READ = ("context", *SIDES, OVERALL, SINGLE)
REST = "individual_rest"  # what each annotator said of the single responses


class HelpSteer3(Format):
    name: ClassVar[str] = "helpsteer3"
    description: ClassVar[str] = "HelpSteer3 preferences: scores -3..3, reasons, feedback"
    columns: ClassVar[tuple[str, ...]] = READ

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        return with_keys(rows, "context", *SIDES, OVERALL)

    def read(self, row: dict[str, Any]) -> Record:
        given = items(row, SINGLE)
        labels = [individual(each, f"{SINGLE}[{place}]") for place, each in enumerate(given)]
        if row.get(OVERALL) is not None:
            labels.insert(0, overall(row[OVERALL], SIDES, OVERALL, None))
        rest = [others(each, "score", "reasoning") for each in given]
        extra = others(row, *READ)
        return Record(
            messages(required(row, "context"), "context"),
            tuple(Response(side, text(required(row, side), side)) for side in SIDES),
            tuple(labels),
            extra=extra | {REST: rest} if any(rest) and REST not in extra else extra,
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        if len(record.responses) != len(SIDES) or any(r.text is None for r in record.responses):
            raise unsaid(self, "it compares two texts")
        first = record.responses[0].id
        whole = [label for label in record.comparisons if is_overall(label)]
        single = [label for label in record.comparisons if not is_overall(label)]
        if len(whole) > 1:
            raise unsaid(self, "it has one overall preference")
        rest = rest_of(record.extra.get(REST), len(single))
        row = {
            **others(record.extra, REST),
            "context": list(record.messages),
            **{side: each.text for side, each in zip(SIDES, record.responses, strict=True)},
            OVERALL: score_of(whole[0], first) if whole else None,
            SINGLE: [
                {"score": score_of(label, first), "reasoning": label.rationale, **left}
                for label, left in zip(single, rest, strict=True)
            ],
        }
        return faithful(self, record, [row])


def individual(given: dict[str, Any], field: str) -> Comparison:
    """The annotators have no names: a row has up to three."""
    score = required(given, "score")
    why = optional_text(given, "reasoning", f"{field}.reasoning")
    return scored(score, SIDES, f"{field}.score", rationale=why)
