"""HelpSteer3's edit quality: an edit that follows the feedback, and one that does not."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.edits import FEEDBACK, edited, row_of
from service.formats.format import Format
from service.formats.published import with_keys
from service.formats.record import Annotator, Comparison, Record
from service.tables.labels import Outcome

SIDES = {
    "original": "original_response",
    "good": "good_edited_response",
    "bad": "bad_edited_response",
}
BY, ASPECT = Annotator("helpsteer3_edit_quality", "rule"), "follows_feedback"


class HelpSteer3EditQuality(Format):
    """Good and bad say which edit follows the feedback: the bad one may be the better answer."""

    name: ClassVar[str] = "helpsteer3_edit_quality"
    description: ClassVar[str] = "HelpSteer3 edit quality: the edit that follows the feedback"
    columns: ClassVar[tuple[str, ...]] = ("context", *SIDES.values(), FEEDBACK)

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        return with_keys(rows, "context", *SIDES.values())

    def read(self, row: dict[str, Any]) -> Record:
        label = Comparison(BY, ASPECT, None, "good", "bad", Outcome.a)
        return edited(row, SIDES, self.columns, label)

    def write(self, record: Record) -> list[dict[str, Any]]:
        return row_of(self, record, SIDES, {})
