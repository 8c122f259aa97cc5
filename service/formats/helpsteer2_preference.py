"""HelpSteer2's preferences (arXiv:2410.01257): two responses, and what each annotator preferred."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.faithful import faithful, unsaid
from service.formats.fields import items, optional_text, required, text
from service.formats.format import Format
from service.formats.preference_scores import is_overall, overall, score_of, scored
from service.formats.published import others, with_keys
from service.formats.ranked import rest_of
from service.formats.ratings import asked
from service.formats.record import Comparison, Record, Response
from service.formats.trl_stepwise import plain

SIDES = ("response_1", "response_2")
STRENGTH, WHY = "preference_strength", "preference_elaboration"
EACH, NEAREST = "all_preferences_unprocessed", "three_most_similar_preferences"
REST = "preferences_rest"  # the annotators' statements, which repeat their scores in words


class HelpSteer2Preference(Format):
    """Every annotator votes; the strength that was made of the three nearest of them does not."""

    name: ClassVar[str] = "helpsteer2_preference"
    description: ClassVar[str] = "HelpSteer2 preferences: strengths -3..3 with elaborations"
    columns: ClassVar[tuple[str, ...]] = ("prompt", *SIDES, STRENGTH, WHY, EACH)

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        return with_keys(rows, "prompt", *SIDES, STRENGTH)

    def read(self, row: dict[str, Any]) -> Record:
        name = EACH if row.get(EACH) is not None else NEAREST
        given = items(row, name)
        labels = [individual(each, f"{name}[{place}]") for place, each in enumerate(given)]
        if row.get(STRENGTH) is not None:
            labels.insert(0, overall(row[STRENGTH], SIDES, STRENGTH, optional_text(row, WHY, WHY)))
        rest = [others(each, "strength", "elaboration") for each in given]
        extra = others(row, "prompt", *SIDES, STRENGTH, WHY, name, EACH)
        return Record(
            asked(required(row, "prompt")),
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
            raise unsaid(self, "it has one overall strength")
        rest = rest_of(record.extra.get(REST), len(single))
        row = {
            **others(record.extra, REST),
            "prompt": plain(record),
            **{side: each.text for side, each in zip(SIDES, record.responses, strict=True)},
            STRENGTH: score_of(whole[0], first) if whole else None,
            WHY: whole[0].rationale if whole else None,
            EACH: [
                {"strength": score_of(label, first), "elaboration": label.rationale, **left}
                for label, left in zip(single, rest, strict=True)
            ],
        }
        return faithful(self, record, [row])


def individual(given: dict[str, Any], field: str) -> Comparison:
    strength = required(given, "strength")
    why = optional_text(given, "elaboration", f"{field}.elaboration")
    return scored(strength, SIDES, f"{field}.strength", rationale=why)
