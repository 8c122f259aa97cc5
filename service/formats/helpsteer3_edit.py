"""HelpSteer3's edits: a response that was rewritten after what people said of it."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.edits import FEEDBACK, edited, row_of
from service.formats.fields import optional_text
from service.formats.format import Format
from service.formats.published import with_keys
from service.formats.record import Annotator, Comparison, Record
from service.tables.labels import Outcome

SIDES = {"original": "original_response", "edited": "edited_response"}
BY, WHY = Annotator("helpsteer3_edit", "rule"), "change_summary"


class HelpSteer3Edit(Format):
    """Nobody compared the two: the edit was made to be the better one, which is a rule's vote."""

    name: ClassVar[str] = "helpsteer3_edit"
    description: ClassVar[str] = "HelpSteer3 edits: the edited response over the original, and why"
    columns: ClassVar[tuple[str, ...]] = ("context", *SIDES.values(), FEEDBACK, WHY)

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        return with_keys(rows, "context", *SIDES.values())

    def read(self, row: dict[str, Any]) -> Record:
        why = optional_text(row, WHY, WHY)
        label = Comparison(BY, None, why, "edited", "original", Outcome.a)
        return edited(row, SIDES, self.columns, label)

    def write(self, record: Record) -> list[dict[str, Any]]:
        why = [label.rationale for label in record.comparisons]
        return row_of(self, record, SIDES, {WHY: why[0] if why else None})
