"""Label Studio's JSON export: tasks with pairwise, ranker, rating and choice results."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from service.formats.answer_fields import answers_in, fields_of, left_in, prompt_in
from service.formats.faithful import faithful, unsaid
from service.formats.fields import items, optional_text, required, text
from service.formats.format import Format
from service.formats.label_columns import identifier, name_of
from service.formats.label_studio_results import meta_of, parted, result_of, results_of
from service.formats.published import others
from service.formats.record import (
    Annotator,
    Comparison,
    Label,
    Ranking,
    Rating,
    Record,
    Response,
    RowError,
)
from service.tables.labels import Outcome

DATA, ANNOTATIONS, PREDICTIONS = "data_rest", "annotations_rest", "predictions_rest"


class LabelStudio(Format):
    name: ClassVar[str] = "label_studio"
    description: ClassVar[str] = "Label Studio's JSON export: pairwise, ranker, rating, choices"
    columns: ClassVar[tuple[str, ...]] = ("id", "data", "annotations", "predictions")

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        found = [
            row
            for row in rows
            if isinstance(row.get("data"), dict)
            and any(isinstance(row.get(name), list) for name in ("annotations", "predictions"))
        ]
        return len(found) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        data = required(row, "data")
        if not isinstance(data, dict):
            raise RowError("wrong_type", "data must be an object", "data")
        prompt, said = prompt_in(data, "data")
        listed = [item for item in items(data, "items") if "id" in item]
        responses = tuple(map(item_of, listed)) or tuple(answers_in(data, prompt, "data"))
        if len({each.id for each in responses}) < len(responses):
            raise RowError("duplicate_id", "two items have the same id", "data.items")
        labels = list(labels_of(row, [each.id for each in responses]))
        left = left_in(others(data, "items") if listed else data, prompt)
        ids = [each.id for each in responses]
        rest = [unread(each, ids) for each in items(row, "annotations")]
        guessed = [unread(each, ids) for each in items(row, "predictions")]
        extra = others(row, "id", "data", "annotations", "predictions")
        titles = [others(item, "id", "body", "model") for item in listed]
        left |= {"items_rest": titles} if any(titles) else {}
        extra |= {DATA: left} if left else {}
        extra |= {ANNOTATIONS: rest} if any(rest) and ANNOTATIONS not in extra else {}
        extra |= {PREDICTIONS: guessed} if any(guessed) and PREDICTIONS not in extra else {}
        return Record(
            said,
            responses,
            tuple(label for label in labels if isinstance(label, Comparison)),
            tuple(label for label in labels if isinstance(label, Rating)),
            tuple(label for label in labels if isinstance(label, Ranking)),
            record_id=identifier(row, "id"),
            gold=gold_of(row, ids),
            extra=extra,
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        if record.feedback:
            raise unsaid(self, "it has no feedback about turns")
        fields, names = fields_of(record)
        left = record.extra.get(DATA)
        given = (*record.comparisons, *record.ratings, *record.rankings)
        done: dict[str, list[dict[str, Any]]] = {"annotations": [], "predictions": []}
        for label in given:
            machine = label.annotator is not None and label.annotator.kind == "model"
            done["predictions" if machine else "annotations"].append(annotation(label, names))
        if record.gold is not None:
            done["annotations"].append(ground_truth(record.gold, names))
        row = {
            "id": record.record_id,
            "data": {**(left if isinstance(left, dict) else {}), **fields},
            **done,
            **others(record.extra, DATA),
        }
        return faithful(self, record, [row])


def unread(annotation: dict[str, Any], ids: Sequence[str]) -> dict[str, Any]:
    """What an annotation says besides its labels: times, and results of other kinds."""
    rest = others(annotation, "result", "completed_by", "model_version")
    found = items(annotation, "result")
    if is_vote(annotation):
        judged, why = parted(found, ids)
        found = [item for item in found if item not in judged and item is not why]
    return rest | ({"result": found} if found else {})


def is_vote(annotation: dict[str, Any]) -> bool:
    """Not what was skipped, and not what was marked as the verified answer."""
    return not annotation.get("was_cancelled") and not annotation.get("ground_truth")


def gold_of(row: dict[str, Any], ids: Sequence[str]) -> dict[str, Any] | None:
    """The verified answer: what the first decided comparison of a ground truth says."""
    for index, each in enumerate(items(row, "annotations")):
        if not each.get("ground_truth") or each.get("was_cancelled"):
            continue
        for label in results_of(each, None, ids, f"annotations[{index}]"):
            if isinstance(label, Comparison) and label.outcome in (Outcome.a, Outcome.b):
                sides = [label.a, label.b]
                better, worse = sides if label.outcome is Outcome.a else sides[::-1]
                basis = optional_text(each, "basis", f"annotations[{index}].basis")
                return {"better": [better], "worse": [worse], "basis": basis or "ground_truth"}
    return None


def item_of(item: dict[str, Any]) -> Response:
    """Of a List tag: the body is the answer."""
    said = item.get("body") if item.get("body") is not None else item.get("title")
    model = optional_text(item, "model", "data.items.model")
    return Response(
        name_of(item["id"], "data.items.id"), text(said, "data.items.body"), model=model
    )


def labels_of(row: dict[str, Any], ids: Sequence[str]) -> Iterator[Label]:
    for index, each in enumerate(items(row, "annotations")):
        if is_vote(each):
            yield from results_of(each, human(each, index), ids, f"annotations[{index}]")
    for index, each in enumerate(items(row, "predictions")):
        version = each.get("model_version")
        named = version in (None, "")
        by = None if named else Annotator(name_of(version, "model_version"), "model")
        yield from results_of(each, by, ids, f"predictions[{index}]")


def human(annotation: dict[str, Any], index: int) -> Annotator | None:
    """`completed_by` is an id, or an object with one and an email."""
    field, by = f"annotations[{index}].completed_by", annotation.get("completed_by")
    if isinstance(by, dict):
        by = by.get("email") or by.get("id")
    return None if by is None else Annotator(name_of(by, field))


def annotation(label: Label, names: dict[str, str]) -> dict[str, Any]:
    """One label, with its reason; by whom."""
    kind, about, value = result_of(label, names)
    name = label.aspect or "preference"
    judged = {"type": kind, "from_name": name, "to_name": ",".join(about), "value": value}
    meta = meta_of(label, kind)
    results = [judged | ({"meta": meta} if meta else {})]
    if label.rationale is not None:
        why = {"text": [label.rationale]}
        results.append(
            {"type": "textarea", "from_name": "rationale", "to_name": about[0], "value": why}
        )
    who = label.annotator
    machine = who is not None and who.kind == "model"
    by = {} if who is None else {"model_version" if machine else "completed_by": who.name}
    return {**by, "result": results}


def ground_truth(gold: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """The verified answer as Label Studio marks one; of several, `faithful` misses the others."""
    better, worse = (str((gold.get(side) or [None])[0]) for side in ("better", "worse"))
    about = [names.get(better, better), names.get(worse, worse)]
    result = {"type": "choices", "from_name": "preference", "to_name": ",".join(about)}
    result |= {"value": {"choices": about[:1]}}
    return {"ground_truth": True, "basis": gold.get("basis"), "result": [result]}
