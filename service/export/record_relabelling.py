"""Records leave with other labels than the raw ones: added to theirs, or deciding over them."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeAlias

from service.errors import Invalid
from service.export.layout import TrainingRecord
from service.export.record_folder import RECORD_LAYOUTS
from service.export.relabelling import described
from service.formats.record import Record
from service.review.labels import Labels
from service.review.record_labels import RecordLabels, added
from service.tables.datasets import Upload

Relabel: TypeAlias = Callable[[Upload, int, Record], Record]


class RecordRelabelling:
    """Of one export; `described` says what the last pass over the records did."""

    def __init__(self, labels: Labels, how: Literal["added", "decides"]) -> None:
        self.labels, self.how = RecordLabels(labels), how
        self.digest = hashlib.sha256()

    def again(
        self, records: Callable[[Relabel], Iterator[TrainingRecord]]
    ) -> Iterator[TrainingRecord]:
        """A pass over all of them."""
        self.labels.said.clear()
        self.digest = hashlib.sha256()
        yield from records(self.record)

    def record(self, upload: Upload, line: int, record: Record) -> Record:
        over = self.labels.over(upload.id, line, record)
        self.digest.update(repr((upload.sha256.hex(), line, over.overlay)).encode())
        return added(over) if self.how == "added" else over

    def described(self) -> dict[str, Any]:
        return described(self.labels.labels, self.labels.said, ("drop",), self.digest)


def relabelling_of(labels: Labels | None, layout: str) -> RecordRelabelling | None:
    """None for raw labels."""
    how = RECORD_LAYOUTS[layout].relabels
    return None if labels is None or how is None else RecordRelabelling(labels, how)


def refuse_without_pairs(layout: str) -> None:
    """Raises Invalid where the layout says nothing that a label of a pair could change."""
    if RECORD_LAYOUTS[layout].relabels is None:
        able = sorted(name for name, found in RECORD_LAYOUTS.items() if found.relabels == "decides")
        detail = (
            f"{layout} says no pairs, so labels of pairs change nothing in it; of the layouts of "
            f"records {', '.join(able)}, native and those of formats take labels"
        )
        raise Invalid(detail, code="wrong_options", field="labels")


def as_given(_: Upload, __: int, record: Record) -> Record:
    return record
