"""Argilla's records: fields, and to each question the users' responses and models' suggestions."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from service.formats.answer_fields import (
    answers_in,
    fields_of,
    left_in,
    named_answer,
    prompt_in,
)
from service.formats.faithful import faithful, unsaid
from service.formats.fields import decoded, integer, items, required
from service.formats.format import Format
from service.formats.label_columns import identifier, name_of, rating
from service.formats.published import others
from service.formats.record import (
    Annotator,
    Comparison,
    Label,
    Ranking,
    Rating,
    Record,
    RowError,
)
from service.tables.labels import Outcome

# Names of questions that say nothing of what is asked.
GENERIC = ("preference", "label", "rating", "ranking", "comparison", "choice", "score")
OUTCOMES = {"tie": Outcome.tie, "equal": Outcome.tie, "both_bad": Outcome.both_bad}
WHY = "_rationale"  # ends the name of the question that asks why
FIELDS = "fields_rest"
REST = ("responses_rest", "suggestions_rest")  # answers to questions that hold no preference
SETS = ("responses", "suggestions")


class Argilla(Format):
    name: ClassVar[str] = "argilla"
    description: ClassVar[str] = "Argilla records: users' responses and models' suggestions"
    columns: ClassVar[tuple[str, ...]] = ("id", "fields", "responses", "suggestions")

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        found = [
            row
            for row in rows
            if isinstance(decoded(row.get("fields")), dict)
            and any(isinstance(decoded(row.get(name)), dict | list) for name in SETS)
        ]
        return len(found) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        fields = decoded(required(row, "fields"))
        if not isinstance(fields, dict):
            raise RowError("wrong_type", "fields must be an object", "fields")
        prompt, said = prompt_in(fields, "fields")
        responses = answers_in(fields, prompt, "fields")
        ids = [each.id for each in responses]
        found = [*answered(row), *suggested(row)]
        labels = [label for each in found for label in label_of(each, found, ids)]
        left = left_in(fields, prompt)
        extra = others(row, "id", "fields", *SETS) | ({FIELDS: left} if left else {})
        for name, kind in zip(REST, ("human", "model"), strict=True):
            rest = [each for each in unread(found, ids) if each["kind"] == kind]
            rest += surer(row) if kind == "model" else []
            extra |= {name: rest} if rest and name not in extra else {}
        return Record(
            said,
            tuple(responses),
            tuple(label for label in labels if isinstance(label, Comparison)),
            tuple(label for label in labels if isinstance(label, Rating)),
            tuple(label for label in labels if isinstance(label, Ranking)),
            record_id=identifier(row, "id"),
            extra=extra,
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        if record.feedback:
            raise unsaid(self, "it has no feedback about turns")
        fields, names = fields_of(record)
        left = record.extra.get(FIELDS)
        sets: dict[str, dict[str, Any]] = {"responses": {}, "suggestions": {}}
        for label in (*record.comparisons, *record.ratings, *record.rankings):
            add(sets, label, names)
        row = {
            "id": record.record_id,
            "fields": {**(left if isinstance(left, dict) else {}), **fields},
            **sets,
            **others(record.extra, FIELDS),
        }
        return faithful(self, record, [row])


def answered(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each user's answer: {question: [{value, user_id}]}, or [{values: {question}, user_id}]."""
    given = decoded(row.get("responses")) or {}
    if isinstance(given, list):
        for index, each in enumerate(items(row, "responses")):
            values = each.get("values") or {}
            if not isinstance(values, dict):
                raise RowError("wrong_type", "values must be an object", f"responses[{index}]")
            for question, answer in values.items():
                value = answer.get("value") if isinstance(answer, dict) else answer
                yield said("human", question, value, each.get("user_id"), each.get("status"))
        return
    if not isinstance(given, dict):
        raise RowError("wrong_type", "responses must be an object or a list", "responses")
    for question in given:
        for each in items(given, question):
            yield said(
                "human", question, each.get("value"), each.get("user_id"), each.get("status")
            )


def suggested(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each model's suggestion: {question: {value, agent}}, or a list of them with their names."""
    given = decoded(row.get("suggestions")) or {}
    if isinstance(given, list):
        for index, each in enumerate(items(row, "suggestions")):
            name = required(each, "question_name")
            question = name_of(name, f"suggestions[{index}].question_name")
            yield said("model", question, each.get("value"), each.get("agent"), None)
        return
    if not isinstance(given, dict):
        raise RowError("wrong_type", "suggestions must be an object or a list", "suggestions")
    for question, each in given.items():
        if not isinstance(each, dict):
            field = f"suggestions.{question}"
            raise RowError("wrong_type", f"{field} must be an object", field)
        yield said("model", question, each.get("value"), each.get("agent"), None)


def surer(row: dict[str, Any]) -> list[dict[str, Any]]:
    """How sure the models were, as the suggestions say it."""
    given = decoded(row.get("suggestions")) or {}
    if isinstance(given, dict):
        given = [{"question_name": name, **each} for name, each in given.items()]
    return [
        {"question": each["question_name"], "score": each["score"]}
        for each in given
        if each.get("score") is not None
    ]


def said(kind: str, question: str, value: Any, by: Any, status: Any) -> dict[str, Any]:
    if by is not None:
        by = name_of(by, "user_id" if kind == "human" else "agent")
    found = {"kind": kind, "question": question, "value": value, "by": by}
    return found if status is None else found | {"status": status}


def kind_of(each: dict[str, Any], ids: Sequence[str]) -> str | None:
    """Of a question: rating, ranking or choice; None where it holds no preference."""
    value = each["value"]
    if each.get("status") not in (None, "submitted") or value is None:  # a draft is no vote
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "rating" if named_answer(each["question"], ids)[1] is not None else None
    if isinstance(value, list) and value:
        names = [item.get("value") if isinstance(item, dict) else item for item in value]
        return "ranking" if all(name in ids for name in names) else None
    chosen = isinstance(value, str) and (value in ids or value in OUTCOMES)
    return "choice" if chosen and len(ids) == 2 else None


def label_of(
    each: dict[str, Any], found: Sequence[dict[str, Any]], ids: Sequence[str]
) -> Iterator[Label]:
    kind, value = kind_of(each, ids), each["value"]
    name, about = (
        named_answer(each["question"], ids) if kind == "rating" else (each["question"], None)
    )
    by: dict[str, Any] = {
        "annotator": None if each["by"] is None else Annotator(each["by"], each["kind"]),
        "aspect": None if name in GENERIC else name,
        "rationale": reason(each, found),
    }
    if kind == "rating":
        yield Rating(**by, value=rating(value, each["question"]) or 0.0, response=about)
    elif kind == "ranking":
        yield Ranking(**by, tiers=tiers_of(value, each["question"]))
    elif kind == "choice":
        a, b = ids
        known = {**OUTCOMES, a: Outcome.a, b: Outcome.b}
        yield Comparison(**by, a=a, b=b, outcome=known[value])


def reason(each: dict[str, Any], found: Sequence[dict[str, Any]]) -> str | None:
    """What the same person answered to the question why."""
    asked = each["question"] + WHY
    for other in found:
        same = (other["kind"], other["by"], other["question"]) == (each["kind"], each["by"], asked)
        if same and isinstance(other["value"], str):
            return str(other["value"])
    return None


def unread(found: Sequence[dict[str, Any]], ids: Sequence[str]) -> list[dict[str, Any]]:
    """Answers that neither are labels nor give a label's reason."""
    labels = [each for each in found if kind_of(each, ids) is not None]
    asked = {(each["kind"], each["by"], each["question"] + WHY) for each in labels}
    return [
        each
        for each in found
        if each not in labels
        and not (
            isinstance(each["value"], str) and (each["kind"], each["by"], each["question"]) in asked
        )
    ]


def tiers_of(value: Sequence[Any], field: str) -> list[list[str]]:
    """Names in their order, or {rank, value} with equal ranks for ties."""
    tiers: dict[int, list[str]] = {}
    for place, item in enumerate(value):
        rank = integer(item.get("rank"), f"{field}.rank") if isinstance(item, dict) else place
        tiers.setdefault(rank, []).append(item["value"] if isinstance(item, dict) else item)
    flat = [id for tier in tiers.values() for id in tier]
    if len(set(flat)) < len(flat):
        raise RowError("duplicate_id", f"{field} ranks an answer twice", field)
    return [tiers[rank] for rank in sorted(tiers)]


def add(sets: dict[str, dict[str, Any]], label: Label, names: dict[str, str]) -> None:
    """The label as an answer to a question; suggestions hold one a question."""
    question, value = question_of(label, names)
    who = label.annotator
    answers = [(question, value)]
    if label.rationale is not None:
        answers.append((question + WHY, label.rationale))
    for name, given in answers:
        if who is not None and who.kind == "model":
            if name in sets["suggestions"]:
                raise RowError("not_expressible", "a question has one suggestion at most")
            sets["suggestions"][name] = {"value": given, "agent": who.name}
        else:
            answer = {"value": given, "user_id": who and who.name}
            sets["responses"].setdefault(name, []).append(answer)


def question_of(label: Label, names: dict[str, str]) -> tuple[str, Any]:
    if isinstance(label, Rating) and label.response is not None:
        return f"{label.aspect or 'rating'}_{names[label.response]}", label.value
    if isinstance(label, Ranking):
        ranks = [
            {"rank": rank, "value": names[id]}
            for rank, tier in enumerate(label.tiers, start=1)
            for id in tier
        ]
        return label.aspect or "ranking", ranks
    if isinstance(label, Comparison):
        better = {Outcome.a: names[label.a], Outcome.b: names[label.b]}
        return label.aspect or "preference", better.get(label.outcome, label.outcome.value)
    raise RowError("not_expressible", "a rating is about no response")
