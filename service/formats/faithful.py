"""Rows leave only where they say again what the record says."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from service.formats.format import Format
from service.formats.record import Comparison, Label, Record, Response, RowError
from service.tables.labels import Outcome

SWAPPED = {"ab": "ba", "ba": "ab"}


def faithful(
    layout: Format, record: Record, rows: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The rows without what is None of the layout's own, read again and compared with the record.

    `not_expressible` where a label, a response, an id or an unknown column would be lost.
    """
    rows = [
        {name: value for name, value in row.items() if value is not None or name in record.extra}
        for row in rows
    ]
    try:
        again = [found for row in rows for found in layout.read_all(row)]
    except RowError as error:
        raise unsaid(layout, error.message) from None
    lost = difference(record, again)
    if lost:
        raise unsaid(layout, f"it can't say {lost}")
    return rows


def unsaid(layout: Format, why: str) -> RowError:
    return RowError("not_expressible", f"this record is none of the layout {layout.name}: {why}")


def difference(record: Record, again: Sequence[Record]) -> str | None:
    """The first thing that the records do not say as the first one does."""
    if any(canonical(list(found.messages)) != canonical(list(record.messages)) for found in again):
        return "these messages"
    if said([record]) != said(again):
        return "every label"
    given, found = set(map(response, record.responses)), set(responses(again))
    if not given <= found or {each[0] for each in given} != {each[0] for each in found}:
        return "every response, its model and its scores"
    ids = {each.record_id for each in again}
    if record.record_id is not None and ids != {record.record_id}:
        return "the record's id"
    if any(
        (verified(each), each.modality) != (verified(record), record.modality) for each in again
    ):
        return "what the gold answer is, or the modality"
    kept = all(
        name in each.extra and each.extra[name] == value
        for each in again
        for name, value in record.extra.items()
    )
    return None if kept else "an unknown column that has the name of one of its own"


def verified(record: Record) -> Any:
    """The gold answer by the contents of the responses that it is about."""
    content = {each.id: canonical(each.content()) for each in record.responses}
    return record.gold and {
        key: [content.get(str(id), id) for id in value] if key in ("better", "worse") else value
        for key, value in record.gold.items()
    }


def responses(records: Sequence[Record]) -> list[tuple[str, str]]:
    return [response(each) for record in records for each in record.responses]


def response(given: Response) -> tuple[str, str]:
    return canonical(given.content()), canonical([given.model, given.scores])


def said(records: Sequence[Record]) -> Counter[str]:
    """Every label, by the contents of the responses that it is about."""
    return Counter(map(canonical, (label for record in records for label in labels(record))))


def labels(record: Record) -> list[Any]:
    content = {each.id: canonical(each.content()) for each in record.responses}
    found: list[Any] = [compared(label, content) for label in record.comparisons]
    for label in record.ratings:
        about = None if label.response is None else content[label.response]
        found.append(["rated", about, label.turn, label.value, label.scale, by(label)])
    for label in record.rankings:
        tiers = [sorted(content[id] for id in tier) for tier in label.tiers]
        found.append(["ranked", tiers, by(label)])
    for label in record.feedback:
        found.append(["feedback", label.turn, label.kind, label.label, label.text, by(label)])
    return found


def compared(label: Comparison, content: dict[str, str]) -> list[Any]:
    """About the better one first; of equals, about the one whose content sorts first."""
    sides, outcome, shown = [content[label.a], content[label.b]], label.outcome, label.shown
    decided = outcome in (Outcome.a, Outcome.b)
    if outcome is Outcome.b or (not decided and sides[0] > sides[1]):
        sides, shown = sides[::-1], SWAPPED.get(shown or "")
        outcome = Outcome.a if decided else outcome
    return ["compared", sides, outcome, label.strength, shown, by(label)]


def by(label: Label) -> list[Any]:
    return [label.annotator and list(label.annotator), label.aspect, label.rationale]


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
