"""TIA2 (TextNorm, arXiv:2404.01863): three people's thumbs an image, or a caption's metrics."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.fields import required, text
from service.formats.format import Format
from service.formats.published import asked, exactly, others, prompt_of, with_keys
from service.formats.record import Annotator, Rating, Record, Response, RowError
from service.formats.thumbs import SCALE
from service.formats.tifa import IMAGE, by_place, is_number

READ = ("key", "image", "caption", "human_labels")
MISSING = -1


class Tia2(Format):
    name: ClassVar[str] = "tia2"
    description: ClassVar[str] = "TIA2: thumbs of 3 people an image, or how metrics fit a caption"
    columns: ClassVar[tuple[str, ...]] = (*READ, "human")

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        labels = with_keys(rows, "image", "caption", "human_labels")
        return labels + sum(is_alignment(row) for row in rows) / max(len(rows), 1)

    def read(self, row: dict[str, Any]) -> Record:
        if is_alignment(row):
            prompt = text(required(row, "key"), "key")
            return Record(asked(prompt), modality="image", extra=others(row, "key"))
        image = text(required(row, "image"), "image")
        labels = required(row, "human_labels")
        if not isinstance(labels, list) or not all(label in (0, 1, MISSING) for label in labels):
            detail = "human_labels must be a list of 0, 1 and -1, which is missing"
            raise RowError("wrong_type", detail, "human_labels")
        return Record(
            asked(text(required(row, "caption"), "caption")),
            (Response(IMAGE, uri=image),),
            ratings=tuple(
                Rating(Annotator(f"tia2-{place}"), value=float(label), response=IMAGE, scale=SCALE)
                for place, label in enumerate(labels, start=1)
                if label != MISSING
            ),
            record_id=str(row.get("key", image)),
            modality="image",
            extra=others(row, *READ),
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        row: dict[str, Any] = {"key": prompt_of(record), **record.extra}
        if record.responses:
            row["key"] = record.record_id
            row["image"], row["caption"] = record.responses[0].uri, prompt_of(record)
            row["human_labels"] = by_place(record, "tia2", MISSING)
        return exactly(self, record, row)


def is_alignment(row: dict[str, Any]) -> bool:
    """The share of people who approve of a caption's images, and how each metric agrees."""
    return "key" in row and is_number(row.get("human")) and isinstance(row.get("clip"), dict)
