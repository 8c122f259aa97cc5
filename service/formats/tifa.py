"""TIFA v1.0 (arXiv:2303.11897): images with two people's Likert scores and automatic metrics."""

from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.fields import number, required, text
from service.formats.format import Format
from service.formats.published import asked, exactly, others, prompt_of, with_keys
from service.formats.record import Annotator, Rating, Record, Response, RowError

LIKERT = (1.0, 5.0)
IMAGE = "image"
READ = ("key", "text_id", "image_path", "text", "human_scores")
AVERAGE = "human_avg"  # of the ratings, so no score of its own


class Tifa(Format):
    name: ClassVar[str] = "tifa"
    description: ClassVar[str] = "TIFA: images of 5 models, 2 people's Likert scores, metrics"
    columns: ClassVar[tuple[str, ...]] = (*READ, AVERAGE)

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        return with_keys(rows, "text_id", "image_path", "human_scores")

    def read(self, row: dict[str, Any]) -> Record:
        path = text(required(row, "image_path"), "image_path")
        text_id = text(required(row, "text_id"), "text_id")
        scores = row.get("human_scores")
        if not isinstance(scores, list):
            raise RowError("wrong_type", "human_scores must be a list", "human_scores")
        rest = others(row, *READ, AVERAGE)
        metrics = {name: number(value, name) for name, value in rest.items() if is_number(value)}
        model = path.rpartition(".")[0].removeprefix(f"{text_id}_")
        return Record(
            asked(text(required(row, "text"), "text")),
            (Response(IMAGE, uri=path, model=model or None, scores=metrics or None),),
            ratings=tuple(
                Rating(
                    Annotator(f"tifa-{place}"),
                    value=number(value, f"human_scores[{place - 1}]"),
                    response=IMAGE,
                    scale=LIKERT,
                )
                for place, value in enumerate(scores, start=1)
                if value is not None
            ),
            record_id=str(row.get("key", path.rpartition(".")[0])),
            modality="image",
            extra={"text_id": text_id, **others(row, *READ, *metrics)},
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        image = next(iter(record.responses), Response(IMAGE))
        row = {
            "key": record.record_id,
            "image_path": image.uri,
            "text": prompt_of(record),
            "human_scores": by_place(record, "tifa"),
            **(image.scores or {}),
            **record.extra,
        }
        return exactly(self, record, row)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def by_place(record: Record, name: str, missing: float | None = None) -> list[float | None]:
    """The ratings by the number in their annotator's name, `tifa-2`."""
    found: dict[int, float] = {}
    for label in record.ratings:
        set_name, _, place = (label.annotator.name if label.annotator else "").rpartition("-")
        if set_name == name and place.isdecimal() and 0 < int(place) < 100:
            found[int(place)] = label.value
    return [found.get(place, missing) for place in range(1, max(found, default=0) + 1)]
