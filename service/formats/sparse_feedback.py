"""Sparse feedback (arXiv:2308.15812): the same answers rated 1 to 7, and compared; no header."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.fields import integer, required, text
from service.formats.format import Format
from service.formats.published import asked, exactly, prompt_of
from service.formats.record import Annotator, Comparison, Rating, Record, Response, RowError
from service.tables.labels import Outcome

RATED = ("0", "1", "2", "3")  # instruction, input or nan, answer, rating
RANKED = (*RATED, "4")  # instruction, input or nan, answer (a), answer (b), which is better
OUTCOMES = {"(a)": Outcome.a, "(b)": Outcome.b, "equal": Outcome.tie}
NAMES = {outcome: name for name, outcome in OUTCOMES.items()}
SCALE = (1.0, 7.0)
BY = Annotator("sparse_feedback", "model")
NO_INPUT = "nan"


class SparseFeedback(Format):
    name: ClassVar[str] = "sparse_feedback"
    description: ClassVar[str] = "Sparse feedback: ratings 1-7 or comparisons, CSV without header"
    columns: ClassVar[tuple[str, ...]] = RANKED

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        found = sum(set(row) <= {*RANKED} and (is_rated(row) or is_ranked(row)) for row in rows)
        return found / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        instruction = text(required(row, "0"), "0")
        given = row.get("1")
        extra = {} if given in (None, NO_INPUT) else {"input": text(given, "1")}
        messages = asked("\n\n".join((instruction, *extra.values())))
        if "4" in row:
            if str(row["4"]) not in OUTCOMES:
                raise RowError("wrong_type", f"4 is {row['4']!r}; known: {', '.join(NAMES)}", "4")
            responses = (
                Response("a", text(required(row, "2"), "2")),
                Response("b", text(required(row, "3"), "3")),
            )
            label = Comparison(BY, a="a", b="b", outcome=OUTCOMES[str(row["4"])])
            return Record(messages, responses, (label,), extra=extra)
        value = integer(required(row, "3"), "3")
        rating = Rating(BY, value=float(value), response="a", scale=SCALE)
        responses = (Response("a", text(required(row, "2"), "2")),)
        return Record(messages, responses, ratings=(rating,), extra=extra)

    def write(self, record: Record) -> list[dict[str, Any]]:
        given = record.extra.get("input")
        prompt = prompt_of(record) or ""
        said = [response.text for response in record.responses]
        row: dict[str, Any] = {
            "0": prompt if given is None else prompt.removesuffix(f"\n\n{given}"),
            "1": NO_INPUT if given is None else given,
            **dict(zip(("2", "3"), said, strict=False)),
        }
        if record.comparisons:
            row["4"] = NAMES.get(record.comparisons[0].outcome)
        elif record.ratings:
            row["3"] = int(record.ratings[0].value)
        return exactly(self, record, row)


def is_rated(row: dict[str, Any]) -> bool:
    return "4" not in row and {"0", "2", "3"} <= row.keys() and str(row["3"]) in {*"1234567"}


def is_ranked(row: dict[str, Any]) -> bool:
    return {"0", "2", "3"} <= row.keys() and str(row.get("4")) in OUTCOMES
