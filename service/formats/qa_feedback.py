"""QA-feedback (arXiv:2306.01693): four answers, six preferences, marked spans."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any, ClassVar

from service.formats.fields import required, text
from service.formats.format import Format
from service.formats.published import asked, exactly, others, prompt_of, with_keys
from service.formats.record import Comparison, Record, Response, RowError
from service.tables.labels import Outcome

ANSWERS = tuple(f"prediction {number}" for number in (1, 2, 3, 4))
PAIRS = tuple(combinations(ANSWERS, 2))  # (1,2) (1,3) (1,4) (2,3) (2,4) (3,4)
OUTCOMES = {0: Outcome.tie, 1: Outcome.a, 2: Outcome.b}  # which of the two is better
VALUES = {outcome: value for value, outcome in OUTCOMES.items()}
# Not votes, so they stay as they are, under names that the native record has not.
KEPT = {"gold": "reference", "feedback": "span_feedback"}


class QaFeedback(Format):
    name: ClassVar[str] = "qa_feedback"
    description: ClassVar[str] = "QA-feedback: 4 answers, 6 preferences, error spans of the first"
    columns: ClassVar[tuple[str, ...]] = ("question", *ANSWERS, "preference", *KEPT)

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        return with_keys(rows, "question", *ANSWERS, "preference")

    def read(self, row: dict[str, Any]) -> Record:
        preference = required(row, "preference")
        if not isinstance(preference, list) or len(preference) != len(PAIRS):
            raise RowError("wrong_type", "preference must have six values", "preference")
        extra = others(row, "question", *ANSWERS, "preference", *KEPT)
        extra |= {ours: row[theirs] for theirs, ours in KEPT.items() if theirs in row}
        return Record(
            asked(text(required(row, "question"), "question")),
            tuple(Response(name, text(required(row, name), name)) for name in ANSWERS),
            tuple(
                Comparison(a=a, b=b, outcome=outcome(value, f"preference[{index}]"))
                for index, ((a, b), value) in enumerate(zip(PAIRS, preference, strict=True))
                if value is not None
            ),
            extra=extra,
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        ours = {ours: theirs for theirs, ours in KEPT.items()}
        said = {(label.a, label.b): VALUES.get(label.outcome) for label in record.comparisons}
        row = {
            "question": prompt_of(record),
            **{response.id: response.text for response in record.responses},
            "preference": [said.get(pair) for pair in PAIRS],
            **{ours.get(name, name): value for name, value in record.extra.items()},
        }
        return exactly(self, record, row)


def outcome(value: Any, field: str) -> Outcome:
    if isinstance(value, bool) or not isinstance(value, int | float) or value not in OUTCOMES:
        raise RowError("wrong_type", f"{field} is {value!r}; known: 0, 1, 2", field)
    return OUTCOMES[value]
