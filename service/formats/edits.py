"""HelpSteer3 edits (arXiv:2503.04378): a response, what was said of it, what became of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.formats import helpfulness
from service.formats.faithful import faithful, unsaid
from service.formats.fields import messages, required, text
from service.formats.format import Format
from service.formats.published import others
from service.formats.record import Comparison, Record, Response

FEEDBACK = "feedback"
UNRATED = "feedback_unrated"  # texts that say no level, by place


def edited(
    row: dict[str, Any], sides: Mapping[str, str], columns: Sequence[str], label: Comparison
) -> Record:
    """`sides`: id -> column, the original first; `label` is what the edits were made to be."""
    said = helpfulness.said_in(row, FEEDBACK)
    first = next(iter(sides))
    left, extra = helpfulness.unrated(said), others(row, *columns)
    return Record(
        messages(required(row, "context"), "context"),
        tuple(Response(id, text(required(row, name), name)) for id, name in sides.items()),
        (label,),
        helpfulness.ratings(said, first),
        extra=extra | {UNRATED: left} if left and UNRATED not in extra else extra,
    )


def row_of(
    layout: Format, record: Record, sides: Mapping[str, str], more: Mapping[str, Any]
) -> list[dict[str, Any]]:
    if len(record.responses) != len(sides) or any(r.text is None for r in record.responses):
        raise unsaid(layout, f"it holds {len(sides)} texts")
    given = zip(sides.values(), record.responses, strict=True)
    first, kept = record.responses[0].id, record.extra.get(UNRATED)
    row = {
        **others(record.extra, UNRATED),
        "context": list(record.messages),
        **{name: response.text for name, response in given},
        FEEDBACK: helpfulness.texts(record.ratings, first, kept),
        **more,
    }
    return faithful(layout, record, [row])
