"""What the layouts with a chosen and a rejected response share."""

from collections.abc import Sequence
from typing import Any

from service.formats.record import Comparison, Message, Record, Response, RowError
from service.tables.labels import Outcome


def decided(
    prompt: Sequence[Message], chosen: Response, rejected: Response, extra: dict[str, Any]
) -> Record:
    """One judgment: chosen over rejected. Equal responses decide nothing: RowError."""
    if chosen.content() == rejected.content():
        raise RowError("chosen_equals_rejected", "chosen and rejected are the same", "rejected")
    label = Comparison(a="chosen", b="rejected", outcome=Outcome.a)
    return Record(list(prompt), (chosen, rejected), (label,), extra=extra)


def sides(record: Record) -> list[tuple[Response, Response]]:
    """(chosen, rejected) of each comparison, where the record holds nothing but decided ones."""
    by_id = {response.id: response for response in record.responses}
    return [side(label, by_id) for label in compared(record)]


def compared(record: Record) -> Sequence[Comparison]:
    """The comparisons, where the record holds nothing but anonymous ones, about each response."""
    if not record.comparisons or record.ratings or record.rankings or record.feedback:
        raise RowError("not_expressible", "this layout holds comparisons and nothing else")
    if {id for label in record.comparisons for id in (label.a, label.b)} < {
        response.id for response in record.responses
    }:
        raise RowError("not_expressible", "this layout can't say a response that nobody compared")
    for label in record.comparisons:
        said = (label.annotator, label.aspect, label.rationale, label.strength, label.shown)
        if said != (None,) * len(said):
            raise RowError("not_expressible", "this layout names no annotator, aspect or strength")
    return record.comparisons


def side(label: Comparison, by_id: dict[str, Response]) -> tuple[Response, Response]:
    if label.outcome not in (Outcome.a, Outcome.b):
        raise RowError("not_expressible", f"this layout can't say {label.outcome.value!r}")
    a, b = by_id[label.a], by_id[label.b]
    if a.content() == b.content():
        raise RowError("not_expressible", "chosen and rejected are the same")
    return (a, b) if label.outcome is Outcome.a else (b, a)


def common_prefix(chosen: Sequence[Message], rejected: Sequence[Message]) -> int:
    """How many first messages two dialogues share, leaving at least one for each if it has any."""
    shared = 0
    for left, right in zip(chosen, rejected, strict=False):
        if left != right:
            break
        shared += 1
    return min(shared, max(min(len(chosen), len(rejected)) - 1, 0))
