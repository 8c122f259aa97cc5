"""UltraFeedback (arXiv:2310.01377): completions rated by aspect; and distilabel's generations."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.faithful import faithful
from service.formats.fields import decoded, items, optional_text, required, text
from service.formats.format import Format
from service.formats.label_columns import annotator, columns_of, identifier, rating
from service.formats.published import others
from service.formats.ranked import rest_of
from service.formats.record import Annotator, Rating, Record, Response, RowError
from service.formats.trl_preference import prompt_messages
from service.formats.trl_stepwise import listed, plain

ASPECT = (1.0, 5.0)
OVERALL, OVERALL_SCALE = "overall_score", (1.0, 10.0)
MEAN = "fine-grained_score"  # computed from the ratings: a score, no rating
MODELS = ("generation_models", "model_names", "models")
JUDGES = ("annotator", "ultrafeedback_model", "model_name")
REST = "completions_rest"  # what a completion says besides
COMPLETION = ("response", "model", "annotations", OVERALL, "critique", MEAN)


class UltraFeedback(Format):
    name: ClassVar[str] = "ultrafeedback"
    description: ClassVar[str] = "UltraFeedback: completions with ratings and reasons by aspect"
    columns: ClassVar[tuple[str, ...]] = ("instruction", "models", "completions")

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        found = [row for row in rows if "instruction" in row and is_rated(row)]
        return 0.95 * len(found) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        return read_generations(row) if "generations" in row else read_completions(row)

    def write(self, record: Record) -> list[dict[str, Any]]:
        groups: dict[tuple[Annotator | None, bool], list[Rating]] = {}
        for label in record.ratings:
            groups.setdefault((label.annotator, label.aspect is None), []).append(label)
        if not groups:
            groups[None, False] = []
        rows = [
            (generations if overall else completions)(record, group)
            | {key: value for key, value in named(group).items() if key != "aspect"}
            for (_, overall), group in groups.items()
        ]
        base = {"id": record.record_id, "instruction": plain(record)}
        extra = {name: value for name, value in record.extra.items() if name != REST}
        return faithful(self, record, [{**base, **row, **extra} for row in rows])


def is_rated(row: dict[str, Any]) -> bool:
    found = decoded(row.get("completions"))
    if isinstance(found, list) and found:
        return all(isinstance(each, dict) and "response" in each for each in found)
    several = isinstance(decoded(row.get("generations")), list)
    return several and ("ratings" in row or any(name in row for name in MODELS))


def judge_column(row: dict[str, Any]) -> str:
    return next((name for name in JUDGES if row.get(name) is not None), JUDGES[0])


def judge_of(row: dict[str, Any]) -> Annotator | None:
    """In this layout the annotator is a model, unless the row says otherwise."""
    who = annotator(row, judge_column(row))
    return who if who is None or "annotator_kind" in row else Annotator(who.name, "model")


def read_completions(row: dict[str, Any]) -> Record:
    required(row, "completions")
    found, models, judge = items(row, "completions"), models_of(row), judge_of(row)
    responses: list[Response] = []
    ratings: list[Rating] = []
    rest: list[dict[str, Any]] = []
    for index, each in enumerate(found):
        field, id = f"completions[{index}]", f"r{index}"
        said = text(required(each, "response"), f"{field}.response")
        model = optional_text(each, "model", f"{field}.model")
        mean = rating(each.get(MEAN), f"{field}.{MEAN}")
        scores = None if mean is None else {MEAN: mean}
        responses.append(Response(id, said, model=model or models.get(index), scores=scores))
        given, left = read_annotations(each, field)
        ratings += [Rating(judge, *about, response=id, scale=scale) for *about, scale in given]
        rest.append({**others(each, *COMPLETION), **left})
    kept = others(row, "id", "instruction", "models", "completions", *JUDGES[:1], "annotator_kind")
    return Record(
        prompt_messages(required(row, "instruction")),
        tuple(responses),
        ratings=tuple(ratings),
        record_id=identifier(row, "id"),
        extra=kept | ({REST: rest} if any(rest) else {}),
    )


def read_annotations(each: dict[str, Any], field: str) -> tuple[list[Any], dict[str, Any]]:
    """(aspect, rationale, value, scale) of each rating that was given, and what is left."""
    given: list[Any] = []
    left: dict[str, Any] = {}
    found = each.get("annotations") or {}
    if not isinstance(found, dict):
        raise RowError("wrong_type", f"{field}.annotations must be an object", field)
    for aspect, said in found.items():
        at = f"{field}.annotations.{aspect}"
        if not isinstance(said, dict):
            raise RowError("wrong_type", f"{at} must be an object with a Rating", at)
        value = rating(said.get("Rating"), f"{at}.Rating")
        why = reason_key(said)
        more = said if value is None else others(said, "Rating", why)
        if value is not None:
            given.append((aspect, optional_text(said, why, f"{at}.{why}"), value, ASPECT))
        if more:
            left.setdefault("annotations", {})[aspect] = more
    overall = rating(each.get(OVERALL), f"{field}.{OVERALL}")
    if overall is None:
        kept = (OVERALL, "critique")
        return given, left | {name: each[name] for name in kept if each.get(name) is not None}
    critique = optional_text(each, "critique", f"{field}.critique")
    return [*given, (OVERALL, critique, overall, OVERALL_SCALE)], left


def reason_key(said: dict[str, Any]) -> str:
    """For two aspects `Rationale` is about the type of error, beside another for the rating."""
    return "Rationale For Rating" if "Rationale For Rating" in said else "Rationale"


def models_of(row: dict[str, Any]) -> dict[int, str]:
    """Model by place, where the row lists them."""
    found = next((decoded(row[name]) for name in MODELS if row.get(name) is not None), [])
    if not isinstance(found, list):
        raise RowError("wrong_type", "the models must be a list of names", "models")
    return {
        index: text(model, f"models[{index}]")
        for index, model in enumerate(found)
        if model is not None
    }


def read_generations(row: dict[str, Any]) -> Record:
    found, models, judge = listed(row, "generations"), models_of(row), judge_of(row)
    lists = [decoded(row.get(name)) or [] for name in ("ratings", "rationales")]
    for name, values in zip(("ratings", "rationales"), lists, strict=True):
        if not isinstance(values, list) or len(values) not in (0, len(found)):
            raise RowError("wrong_length", f"{name} must have one a generation", name)
    values, reasons = lists
    ratings: list[Rating] = []
    for index, value in enumerate(values):
        why = reasons[index] if reasons else None
        why = None if why is None else text(why, f"rationales[{index}]")
        number = rating(value, f"ratings[{index}]")
        if number is not None:
            label = Rating(judge, None, why, number, f"r{index}", scale=ASPECT)
            ratings.append(label)
    own = ("id", "instruction", "generations", "ratings", "rationales", *MODELS)
    return Record(
        prompt_messages(required(row, "instruction")),
        tuple(
            Response(f"r{index}", text(said, f"generations[{index}]"), model=models.get(index))
            for index, said in enumerate(found)
        ),
        ratings=tuple(ratings),
        record_id=identifier(row, "id"),
        extra=others(row, *own, judge_column(row), "annotator_kind"),
    )


def named(group: Sequence[Rating]) -> dict[str, Any]:
    """The annotator's columns; the kind always, as the layout takes annotators for models."""
    if not group or group[0].annotator is None:
        return {}
    return columns_of(Rating(group[0].annotator)) | {"annotator_kind": group[0].annotator.kind}


def written(value: float) -> str:
    """As UltraFeedback writes ratings: "4"."""
    return str(int(value)) if value.is_integer() else repr(value)


def completions(record: Record, group: Sequence[Rating]) -> dict[str, Any]:
    rest = rest_of(record.extra.get(REST), len(record.responses))
    found = [
        completion(response, [label for label in group if label.response == response.id], more)
        for response, more in zip(record.responses, rest, strict=True)
    ]
    return {"models": [response.model for response in record.responses], "completions": found}


def completion(
    response: Response, labels: Sequence[Rating], rest: dict[str, Any]
) -> dict[str, Any]:
    kept = rest.get("annotations")
    annotations: dict[str, Any] = dict(kept) if isinstance(kept, dict) else {}
    found: dict[str, Any] = {"response": response.text, "model": response.model, **rest}
    for label in labels:
        if label.aspect == OVERALL:
            found |= {OVERALL: label.value, "critique": label.rationale}
            continue
        more = annotations.get(str(label.aspect), {})
        why = "Rationale For Rating" if "Rationale" in more else "Rationale"
        reason = {} if label.rationale is None else {why: label.rationale}
        annotations[str(label.aspect)] = {"Rating": written(label.value), **reason, **more}
    return found | {"annotations": annotations} | (response.scores or {})


def generations(record: Record, group: Sequence[Rating]) -> dict[str, Any]:
    by_id = {label.response: label for label in group}
    values = {id: label.value for id, label in by_id.items()}
    reasons = [by_id[each.id].rationale if each.id in by_id else None for each in record.responses]
    return {
        "generations": [response.text for response in record.responses],
        "generation_models": [response.model for response in record.responses],
        "ratings": [values.get(each.id) for each in record.responses],
        "rationales": reasons if any(why is not None for why in reasons) else None,
    }
