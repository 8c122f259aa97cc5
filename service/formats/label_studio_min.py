"""Label Studio's JSON_MIN and CSV exports: a row an annotation, a column a control tag."""

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
from service.formats.fields import decoded
from service.formats.format import Format
from service.formats.label_columns import identifier, name_of
from service.formats.label_studio_results import (
    OUTCOMES,
    SELECTED,
    parted,
    result_of,
    results_of,
)
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

ABOUT = ("annotation_id", "created_at", "updated_at", "lead_time", "agreement")
TAGS = {"selected": "pairwise", "ranker": "ranker", "rating": "rating", "choices": "choices"}
REASONS = ("rationale", "reason", "why", "comment", "explanation", "justification")


class LabelStudioMin(Format):
    """What a result is about is not said: two answers are left and right in their fields' order,
    and a rating of one of several is told by its tag's name, `quality_answer1`."""

    name: ClassVar[str] = "label_studio_min"
    description: ClassVar[str] = "Label Studio's JSON_MIN and CSV exports: an annotation a row"
    columns: ClassVar[tuple[str, ...]] = ("id", "prompt", "annotator", "annotation_id")

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        found = [row for row in rows if {"annotator", "annotation_id"} <= row.keys()]
        return 0.98 * len(found) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        task = others(row, "id", "annotator", *ABOUT)
        prompt, said = prompt_in(task, "row")
        responses = answers_in(task, prompt, "row")
        ids = [each.id for each in responses]
        left = left_in(task, prompt)
        results = list(results_in(left, ids))
        labels = list(results_of({"result": results}, annotator(row), ids, "row"))
        judged, why = parted(results, ids)
        read = {each["column"] for each in (*judged, *([why] if why else []))}
        return Record(
            said,
            tuple(responses),
            tuple(label for label in labels if isinstance(label, Comparison)),
            tuple(label for label in labels if isinstance(label, Rating)),
            tuple(label for label in labels if isinstance(label, Ranking)),
            record_id=identifier(row, "id"),
            extra={**others(left, *read), **{name: row[name] for name in ABOUT if name in row}},
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        if record.feedback:
            raise unsaid(self, "it has no feedback about turns")
        fields, names = fields_of(record)
        groups = grouped(record)
        rows = [
            {
                "id": record.record_id,
                **fields,
                **columns_of(labels, names),
                "annotator": who and who.name,
                "annotation_id": place,
                **record.extra,
            }
            for place, (who, labels) in enumerate(groups, start=1)
        ]
        return faithful(self, record, rows)


def annotator(row: dict[str, Any]) -> Annotator | None:
    """An id, or an address."""
    who = row.get("annotator")
    return None if who in (None, "") else Annotator(name_of(who, "annotator"))


def results_in(left: dict[str, Any], ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The columns of the control tags as the results that the full export has."""
    reasons = [name for name in left if name in REASONS and isinstance(left[name], str)]
    for name, value in left.items():
        value = decoded(value)
        about = {"column": name, "from_name": name}
        if isinstance(value, str):
            if name in reasons[:1]:
                yield {**about, "type": "textarea", "value": {"text": [value]}}
            elif len(ids) == 2 and value in (*ids, *SELECTED, *OUTCOMES):
                yield {**about, "type": "choices", "value": {"choices": [value]}}
        elif is_results(value):
            for each in value:
                yield {**about, **result(name, each, ids)}


def is_results(value: Any) -> bool:
    found = value if isinstance(value, list) else []
    return bool(found) and all(isinstance(each, dict) and each.keys() & TAGS for each in found)


def result(name: str, value: dict[str, Any], ids: Sequence[str]) -> dict[str, Any]:
    kind = next(TAGS[key] for key in TAGS if key in value)
    if kind != "rating":
        return {"type": kind, "value": value}
    aspect, about = named_answer(name, ids)
    if about is None:
        detail = f"{name} rates one of several answers, and this export does not say which one"
        raise RowError("unknown_response", f"{detail}: export JSON", name)
    return {"type": kind, "value": value, "to_name": about, "from_name": aspect}


def grouped(record: Record) -> list[tuple[Annotator | None, list[Label]]]:
    """What goes into a row: labels of one annotator; a label with a reason goes alone."""
    groups: dict[Any, tuple[Annotator | None, list[Label]]] = {}
    for place, label in enumerate((*record.comparisons, *record.ratings, *record.rankings)):
        key = (label.annotator, None if label.rationale is None else place)
        groups.setdefault(key, (label.annotator, []))[1].append(label)
    return list(groups.values()) or [(None, [])]


def columns_of(labels: Sequence[Label], names: dict[str, str]) -> dict[str, Any]:
    """A column a label; of one name there is one."""
    columns: dict[str, Any] = {}
    for label in labels:
        kind, about, value = result_of(label, names)
        name = label.aspect or ("rating" if kind == "rating" else "preference")
        if kind == "rating" and len(names) > 1:
            name = f"{name}_{about[0]}"
        if name in columns or (kind == "pairwise" and about != list(names.values())):
            raise RowError("not_expressible", "this layout says one thing a column, left first")
        columns[name] = value["choices"][0] if kind == "choices" else [value]
        if label.rationale is not None:
            columns["rationale"] = label.rationale
    return columns
