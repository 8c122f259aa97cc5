"""Lists of images for one prompt with ranks or marks of preference, as HPD and ImageReward say."""

from collections.abc import Sequence
from typing import Any

from service.formats.fields import number, required, text
from service.formats.images import image_uri
from service.formats.record import Annotator, Comparison, Ranking, Record, Response, RowError
from service.tables.labels import Outcome

IMAGES = ("image_path", "file_path", "images", "generations")
RANKS = ("ranks", "rank", "ranking")  # the lowest is the best
MARKS = "human_preference"  # the highest is the best
ANNOTATOR = "user_hash"
LISTS = (*IMAGES, *RANKS, MARKS, "models")


def list_name(row: dict[str, Any]) -> str | None:
    """The column with the images, where this is a row of a list."""
    if "prompt" not in row or not any(isinstance(row.get(name), list) for name in (*RANKS, MARKS)):
        return None
    return next((name for name in IMAGES if isinstance(row.get(name), list)), None)


def read_list(row: dict[str, Any], images: str) -> Record:
    found = required(row, images)
    marks = MARKS in row
    labels = MARKS if marks else next(name for name in RANKS if isinstance(row.get(name), list))
    values = required(row, labels)
    if not isinstance(values, list) or len(values) != len(found):
        raise RowError("wrong_length", f"{labels} must have one value an image", labels)
    order = {
        f"r{index}": (-1 if marks else 1) * number(value, f"{labels}[{index}]")
        for index, value in enumerate(values)
        if value is not None
    }
    models = row.get("models")
    if not isinstance(models, list) or len(models) != len(found):
        models = [None] * len(found)
    who = row.get(ANNOTATOR)
    annotator = None if who is None else Annotator(str(who))
    used = {"prompt", images, labels, "id", ANNOTATOR} | ({"models"} if any(models) else set())
    prompt = text(row["prompt"], "prompt")
    responses = tuple(
        Response(f"r{index}", uri=image_uri(value, f"{images}[{index}]"), model=models[index])
        for index, value in enumerate(found)
    )
    comparisons, rankings = labels_of(order, len(found), annotator)
    return Record(
        [{"role": "user", "content": prompt}],
        responses,
        comparisons,
        rankings=rankings,
        record_id=None if row.get("id") is None else str(row["id"]),
        modality="image",
        extra={name: value for name, value in row.items() if name not in used},
    )


def labels_of(
    order: dict[str, float], images: int, who: Annotator | None
) -> tuple[tuple[Comparison, ...], tuple[Ranking, ...]]:
    """A comparison of two images, a ranking of more, the lowest value first; gaps stay out."""
    if images == 2 and len(order) == 2:
        first, second = order["r0"], order["r1"]
        outcome = Outcome.tie if first == second else Outcome("a" if first < second else "b")
        return (Comparison(who, a="r0", b="r1", outcome=outcome),), ()
    tiers = [
        [id for id, value in order.items() if value == tier] for tier in sorted(set(order.values()))
    ]
    return (), (Ranking(who, tiers=tiers),) if tiers else ()


def write_lists(record: Record, prompt: str) -> list[dict[str, Any]]:
    """A row a ranking; what was not ranked has no rank."""
    if record.comparisons or record.ratings or record.feedback:
        raise RowError("not_expressible", "a list of images holds rankings only")
    return [write_list(record, label, prompt) for label in record.rankings]


def write_list(record: Record, label: Ranking, prompt: str) -> dict[str, Any]:
    if label.aspect is not None or label.rationale is not None or not is_human(label.annotator):
        raise RowError("not_expressible", "this layout names no aspect, rationale or model judge")
    if len(record.responses) < 3:
        raise RowError("not_expressible", "two ranked images would read as a comparison")
    ranks = {id: rank for rank, tier in enumerate(label.tiers, start=1) for id in tier}
    return {
        **({} if record.record_id is None else {"id": record.record_id}),
        "prompt": prompt,
        "image_path": [response.uri for response in record.responses],
        "ranks": [ranks.get(response.id) for response in record.responses],
        **models_of(record.responses),
        **({} if label.annotator is None else {ANNOTATOR: label.annotator.name}),
        **record.extra,
    }


def models_of(responses: Sequence[Response]) -> dict[str, Any]:
    models = [response.model for response in responses]
    return {"models": models} if any(models) else {}


def is_human(who: Annotator | None) -> bool:
    return who is None or who.kind == "human"
