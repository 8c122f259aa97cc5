"""Text-to-image preferences: Pick-a-Pic's pairs, and the lists of HPD and ImageReward."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.fields import number, opened, optional_text, required, text
from service.formats.format import Format
from service.formats.image_lists import LISTS, is_human, list_name, read_list, write_lists
from service.formats.images import image_uri
from service.formats.record import Annotator, Comparison, Record, Response, RowError
from service.formats.thumbs import flag
from service.tables.labels import Outcome

SIDES = (0, 1)
OWN = (
    "caption", "jpg_0", "jpg_1", "image_0", "image_1", "image_0_url", "image_1_url", "label_0",
    "label_1", "model_0", "model_1", "user_id", "has_label",
)  # fmt: skip
LABELS = {Outcome.a: (1.0, 0.0), Outcome.b: (0.0, 1.0), Outcome.tie: (0.5, 0.5)}


class ImagePairs(Format):
    name: ClassVar[str] = "image_pairs"
    description: ClassVar[str] = "Images by URI: Pick-a-Pic pairs, lists of HPD and ImageReward"
    columns: ClassVar[tuple[str, ...]] = ("caption", "jpg_0", "jpg_1", "label_0", "label_1")

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        pairs = sum("caption" in row and "label_0" in row for row in rows)
        lists = sum(list_name(opened(row, LISTS)) is not None for row in rows)
        return (0.95 * pairs + 0.8 * lists) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        row = opened(row, LISTS)
        images = list_name(row)
        if images is not None:
            return read_list(row, images)
        responses = tuple(read_image(row, side) for side in SIDES)
        label = read_label(row)
        return Record(
            [{"role": "user", "content": text(required(row, "caption"), "caption")}],
            responses,
            () if label is None else (label,),
            modality="image",
            extra={name: value for name, value in row.items() if name not in OWN},
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        caption = caption_of(record)
        if record.rankings:
            return write_lists(record, caption)
        if record.ratings or record.feedback:
            raise RowError("not_expressible", "this layout holds comparisons and rankings only")
        if not record.comparisons:
            return [write_pair(record, caption, None)]
        if {response.id for response in record.responses} > {
            id for label in record.comparisons for id in (label.a, label.b)
        }:
            raise RowError("not_expressible", "an image that nobody compared has no pair")
        return [write_pair(record, caption, label) for label in record.comparisons]


def read_image(row: dict[str, Any], side: int) -> Response:
    url = row.get(f"image_{side}_url")
    name = f"jpg_{side}" if row.get(f"jpg_{side}") is not None else f"image_{side}"
    model = optional_text(row, f"model_{side}", f"model_{side}")
    return Response(str(side), uri=image_uri(row.get(name), name, url), model=model)


def read_label(row: dict[str, Any]) -> Comparison | None:
    """1 and 0, or .5 and .5 for a tie; 0 and 0: neither. None where the row has no label."""
    if row.get("label_0") is None or flag(row.get("has_label"), "has_label") is False:
        return None
    first = number(row["label_0"], "label_0")
    # `label_0` alone says both, as in the export's own pairs
    second = 1 - first if row.get("label_1") is None else number(row["label_1"], "label_1")
    if not 0 <= first <= 1 or not 0 <= second <= 1:
        raise RowError("out_of_range", "label_0 and label_1 are between 0 and 1", "label_0")
    outcome = Outcome.a if first > second else Outcome.b
    if first == second:
        outcome = Outcome.tie if first else Outcome.both_bad
    who = row.get("user_id")
    annotator = None if who is None else Annotator(str(who))
    return Comparison(annotator, a="0", b="1", outcome=outcome)


def caption_of(record: Record) -> str:
    said = record.messages
    if len(said) != 1 or said[0]["role"] != "user" or not isinstance(said[0]["content"], str):
        raise RowError("not_expressible", "this layout's prompt is one text")
    if any(response.uri is None for response in record.responses):
        raise RowError("not_expressible", "this layout holds images by URI, no texts")
    return said[0]["content"]


def write_pair(record: Record, caption: str, label: Comparison | None) -> dict[str, Any]:
    by_id = {response.id: response for response in record.responses}
    if label is None:
        shown = list(record.responses)
    else:
        said = (label.aspect, label.rationale, label.strength, label.shown)
        if said != (None,) * len(said) or not is_human(label.annotator):
            raise RowError("not_expressible", "this layout names no aspect and no strength")
        shown = [by_id[label.a], by_id[label.b]]
    if len(shown) != 2:
        raise RowError("not_expressible", "a pair has two images")
    first, second = (0.0, 0.0) if label is None else LABELS.get(label.outcome, (0.0, 0.0))
    return {
        "caption": caption,
        **{f"jpg_{side}": image.uri for side, image in enumerate(shown)},
        "label_0": first,
        "label_1": second,
        "has_label": label is not None,
        **{f"model_{side}": image.model for side, image in enumerate(shown) if image.model},
        **({} if label is None or label.annotator is None else {"user_id": label.annotator.name}),
        **record.extra,
    }
