"""What the layouts with one response and a thumb a row share."""

from collections.abc import Iterator, Sequence
from typing import Any

from service.formats.record import Message, Rating, Record, Response, RowError

SCALE = (0.0, 1.0)
WORDS = {"true": True, "false": False, "1": True, "0": False}


def flag(value: Any, name: str) -> bool | None:
    """A thumb: true or false, also as 0 and 1 or as text; None where it is missing."""
    if value is None or value == "":
        return None
    if isinstance(value, bool | int | float) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.strip().lower() in WORDS:
        return WORDS[value.strip().lower()]
    raise RowError("wrong_type", f"{name} must be true or false, not {value!r}"[:200], name)


def is_flag(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in WORDS
    return value is None or (isinstance(value, bool | int | float) and value in (0, 1))


def thumb(
    prompt: Sequence[Message], response: Response, label: bool | None, extra: dict[str, Any]
) -> Record:
    ratings = () if label is None else (up_or_down(label, response.id),)
    return Record(list(prompt), (response,), ratings=ratings, extra=extra)


def up_or_down(label: bool, response: str, turn: int | None = None) -> Rating:
    return Rating(value=float(label), response=response, turn=turn, scale=SCALE)


def thumbs(record: Record) -> Iterator[tuple[Response, bool | None]]:
    """Each response with each of its thumbs, or None without one; `not_expressible` otherwise."""
    only_thumbs(record)
    if any(label.turn is not None for label in record.ratings):
        raise RowError("not_expressible", "this layout rates whole responses, not steps")
    for response in record.responses:
        given = [bool(label.value) for label in record.ratings if label.response == response.id]
        for label in given or [None]:
            yield response, label


def only_thumbs(record: Record) -> None:
    """RowError where the record's labels are not anonymous thumbs about its responses."""
    if record.comparisons or record.rankings or record.feedback or not record.responses:
        raise RowError("not_expressible", "this layout holds rated responses and nothing else")
    for label in record.ratings:
        if label.scale != SCALE or label.value not in SCALE or label.response is None:
            raise RowError("not_expressible", "this layout holds thumbs, up or down, and no scores")
        if (label.annotator, label.aspect, label.rationale) != (None, None, None):
            raise RowError("not_expressible", "this layout names no annotator, aspect or rationale")
