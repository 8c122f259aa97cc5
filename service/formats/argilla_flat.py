"""Argilla's records as flat columns, as its datasets lie on the Hugging Face hub."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from service.formats.answer_fields import PROMPTS, left_in, prompt_in
from service.formats.argilla import Argilla
from service.formats.faithful import faithful
from service.formats.fields import decoded
from service.formats.format import Format
from service.formats.published import others
from service.formats.record import Record, RowError

ANSWERS, USERS, STATES = ".responses", ".responses.users", ".responses.status"
SUGGESTED, SCORE, AGENT = ".suggestion", ".suggestion.score", ".suggestion.agent"
# Argilla 1 has a column a question, named as the question is, and calls the other ones so:
OLD, OLD_ABOUT = "-suggestion", "-suggestion-metadata"
ENDS = (ANSWERS, USERS, STATES, SUGGESTED, SCORE, AGENT, OLD, OLD_ABOUT)


class ArgillaFlat(Format):
    name: ClassVar[str] = "argilla_flat"
    description: ClassVar[str] = "Argilla datasets on the hub: a column a field, some a question"
    columns: ClassVar[tuple[str, ...]] = ("id", "status", "prompt")

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        found = [row for row in rows if set(questions(row)) and has_prompt(row)]
        return 0.98 * len(found) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        asked = list(dict.fromkeys(questions(row)))
        theirs = {name + end for name in asked for end in ("", *ENDS)}
        plain = others(row, *theirs)
        prompt, _ = prompt_in(plain, "row")
        left = left_in(plain, prompt)
        nested = {
            "id": row.get("id"),
            "fields": {name: value for name, value in plain.items() if name not in left},
            "responses": {name: given for name in asked if (given := answered(row, name))},
            "suggestions": {name: given for name in asked if (given := suggested(row, name))},
        }
        record = Argilla().read(nested)
        return Record(
            record.messages,
            record.responses,
            record.comparisons,
            record.ratings,
            record.rankings,
            record_id=record.record_id,
            extra={**record.extra, **others(left, "id")},
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        [nested] = Argilla().write(replace(record, extra={}))
        row: dict[str, Any] = {**record.extra, "id": record.record_id, **nested["fields"]}
        for name, given in nested["responses"].items():
            row[name + ANSWERS] = [each.get("value") for each in given]
            row[name + USERS] = [each.get("user_id") for each in given]
            row[name + STATES] = ["submitted"] * len(given)
        for name, given in nested["suggestions"].items():
            row[name + SUGGESTED] = given.get("value")
            row[name + AGENT] = given.get("agent")
        return faithful(self, record, [row])


def has_prompt(row: dict[str, Any]) -> bool:
    return any(row.get(name) is not None for name in PROMPTS)


def questions(row: dict[str, Any]) -> Iterator[str]:
    """The names of the questions that somebody, or a model, was asked."""
    for name, value in row.items():
        for end in (ANSWERS, SUGGESTED, OLD):
            if name.endswith(end) and name != end:
                yield name.removesuffix(end)
        if told(value):
            yield name


def told(value: Any) -> list[dict[str, Any]]:
    """Argilla 1's answers: [{user_id, value, status}], or as an object of three lists."""
    value = decoded(value)
    if isinstance(value, dict) and all(isinstance(each, list) for each in value.values()):
        columns: dict[str, list[Any]] = value
        if len({len(each) for each in columns.values()}) == 1:
            value = [
                dict(zip(columns, each, strict=True))
                for each in zip(*columns.values(), strict=True)
            ]
    found = value if isinstance(value, list) else []
    fits = all(isinstance(each, dict) and {"value", "user_id"} <= each.keys() for each in found)
    return found if fits else []


def answered(row: dict[str, Any], question: str) -> list[dict[str, Any]]:
    """Each user's answer; three columns that belong together have one length."""
    if question + ANSWERS not in row:
        return told(row.get(question))
    values = listed(row, question + ANSWERS)
    users, states = listed(row, question + USERS), listed(row, question + STATES)
    if any(each and len(each) != len(values) for each in (users, states)):
        field = question + USERS
        raise RowError("wrong_length", f"{field} must have one value an answer", field)
    nobody = [None] * len(values)
    return [
        {"value": value, "user_id": user, **({} if state is None else {"status": state})}
        for value, user, state in zip(values, users or nobody, states or nobody, strict=True)
    ]


def listed(row: dict[str, Any], name: str) -> list[Any]:
    value = decoded(row.get(name))
    if value is not None and not isinstance(value, list):
        raise RowError("wrong_type", f"{name} must be a list", name)
    return value or []


def suggested(row: dict[str, Any], question: str) -> dict[str, Any] | None:
    """A model's answer, how sure it was, and its name."""
    value = row.get(question + SUGGESTED, row.get(question + OLD))
    if value is None:
        return None
    about = decoded(row.get(question + OLD_ABOUT))
    about = about if isinstance(about, dict) else {}
    score = row.get(question + SCORE, about.get("score"))
    agent = row.get(question + AGENT, about.get("agent"))
    return {"value": decoded(value), "score": decoded(score), "agent": agent}
