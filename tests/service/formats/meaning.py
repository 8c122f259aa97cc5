"""What records say, by the contents of prompts and responses and not by their ids."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import orjson

from service.formats.record import Label, Record
from service.tables.labels import Outcome


def meaning(records: Iterable[Record]) -> Counter[bytes]:
    """Each label of each record, and each response's model and scores, as often as it is said."""
    return Counter(line for record in records for line in (*labels_of(record), *responses(record)))


def judged(records: Iterable[Record]) -> Counter[bytes]:
    """Only the labels: a layout may have no place for a model's name or a score.

    A comparison is about the better one first, as chosen and rejected say it.
    """
    return Counter(line for record in records for line in labels_of(record, oriented=False))


def responses(record: Record) -> list[bytes]:
    return [line(record, [each.content(), each.model, each.scores]) for each in record.responses]


def labels_of(record: Record, *, oriented: bool = True) -> list[bytes]:
    content = {each.id: each.content() for each in record.responses}
    found: list[Any] = []
    for a in record.comparisons:
        sides, outcome, shown = [content[a.a], content[a.b]], a.outcome, a.shown
        if not oriented and outcome is Outcome.b:
            sides, outcome, shown = sides[::-1], Outcome.a, shown and shown[::-1]
        found.append(["compared", sides, outcome, a.strength, shown, *by(a)])
    for a in record.ratings:
        about = None if a.response is None else content[a.response]
        found.append(["rated", about, a.turn, a.value, a.scale, *by(a)])
    for a in record.rankings:
        tiers = [sorted(map(orjson.dumps, (content[id] for id in tier))) for tier in a.tiers]
        found.append(["ranked", [[each.decode() for each in tier] for tier in tiers], *by(a)])
    for a in record.feedback:
        found.append(["feedback", a.turn, a.kind, a.label, a.text, *by(a)])
    return [line(record, each) for each in found]


def line(record: Record, said: Any) -> bytes:
    return orjson.dumps([list(record.messages), said], option=orjson.OPT_SORT_KEYS)


def by(label: Label) -> list[Any]:
    return [label.annotator and list(label.annotator), label.aspect, label.rationale]
