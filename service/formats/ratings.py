"""One response a row with its ratings: HelpSteer's aspects, Likert scales, thumbs."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from service.formats.faithful import faithful, unsaid
from service.formats.fields import (
    decoded,
    is_messages,
    items,
    messages,
    optional_text,
    required,
    response_of,
    text,
    turns_of,
)
from service.formats.format import Format
from service.formats.label_columns import (
    MISSING,
    annotator,
    columns_of,
    identifier,
    label_of,
    rating,
)
from service.formats.native import read_rating, read_scale, write_rating
from service.formats.published import others
from service.formats.record import Annotator, Message, Rating, Record, Response, RowError
from service.formats.thumbs import SCALE as THUMB
from service.formats.trl_preference import prompt_messages
from service.formats.trl_stepwise import plain

HELPSTEER = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
HELPSTEER_SCALE = (0.0, 4.0)
# Columns that are ratings by their name; another one is mapped, or listed in `ratings`.
ASPECTS = (
    *HELPSTEER, "accuracy", "clarity", "completeness", "conciseness", "creativity", "empathy",
    "factuality", "faithfulness", "fluency", "groundedness", "harmlessness", "honesty",
    "instruction_following", "overall", "politeness", "quality", "readability", "relevance",
    "safety", "style", "toxicity", "truthfulness", "usefulness",
)  # fmt: skip
WHOLE = ("rating", "stars", "likert")  # of the response as a whole: no aspect
THUMBS = ("thumb", "thumbs", "thumbs_up")
UP = {"up": 1.0, "thumbs_up": 1.0, "true": 1.0, "1": 1.0, "1.0": 1.0, "👍": 1.0}
DOWN = {"down": 0.0, "thumbs_down": 0.0, "false": 0.0, "0": 0.0, "0.0": 0.0, "-1": 0.0, "👎": 0.0}
RATED = (*ASPECTS, *WHOLE, *THUMBS)
OWN = ("id", "model", "annotator", "annotator_kind", "scale", "rationale", "ratings")
TURN = re.compile(r"\n<extra_id_1>(User|Assistant)\n")  # HelpSteer2's dialogues
ROLES = {"User": "user", "Assistant": "assistant"}


class Ratings(Format):
    name: ClassVar[str] = "ratings"
    description: ClassVar[str] = "A response a row, rated by aspect (HelpSteer), Likert or thumbs"
    columns: ClassVar[tuple[str, ...]] = ("prompt", "response", *HELPSTEER)

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        return sum(map(likeness, rows)) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        said, model = required(row, "response"), optional_text(row, "model", "model")
        given = (
            response_of(messages(said, "response"), "response")
            if is_messages(said)
            else Response("response", text(said, "response"))
        )
        response = Response("response", given.text, given.messages, model=model)
        labels = [*read_columns(row), *read_list(row)]
        return Record(
            asked(required(row, "prompt")),
            (response,),
            ratings=tuple(labels),
            record_id=identifier(row, "id"),
            extra=others(row, "prompt", "response", *OWN, *RATED),
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        if any(label.response is None for label in record.ratings):
            raise unsaid(self, "a rating is about no response")
        base = {"id": record.record_id, "prompt": plain(record)}
        rows = [
            {**base, **about, **rated, **record.extra}
            for response in record.responses
            for about in [as_columns(response)]
            for rated in rows_of(record, response)
        ]
        if not rows:
            raise unsaid(self, "it has no response")
        return faithful(self, record, rows)


def likeness(row: dict[str, Any]) -> float:
    if "prompt" not in row or "response" not in row:
        return 0.0
    named = [row[name] for name in ASPECTS if name in row]
    if isinstance(decoded(row.get("ratings")), list) or any(map(is_number, named)):
        return 0.9
    return 0.7 if any(name in row for name in THUMBS) else 0.5 * any(name in row for name in WHOLE)


def is_number(value: Any) -> bool:
    value = decoded(value)
    found = value if isinstance(value, list) else [value]
    try:
        return any(rating(each, "") is not None for each in found)
    except RowError:
        return False


def asked(prompt: Any) -> list[Message]:
    """Text with HelpSteer2's marks is a dialogue that the user begins."""
    if not isinstance(prompt, str) or not TURN.search(prompt):
        return prompt_messages(prompt)
    first, *rest = TURN.split(prompt)
    later = zip(rest[::2], rest[1::2], strict=True)
    said = [("User", first), *later]
    return [{"role": ROLES[speaker], "content": content} for speaker, content in said]


def read_columns(row: dict[str, Any]) -> Iterator[Rating]:
    """The ratings of the columns; a list is one of several annotators without a name."""
    label, scale = label_of(without(row, "aspect")), read_scale(decoded(row.get("scale")), "scale")
    if scale is None and all(name in row for name in HELPSTEER):
        scale = HELPSTEER_SCALE
    for name in RATED:
        value = decoded(row.get(name))
        several = isinstance(value, list)
        for index, each in enumerate(value if several else [value]):
            field = f"{name}[{index}]" if several else name
            number = thumb(each, field) if name in THUMBS else rating(each, field)
            if number is None:
                continue
            about: dict[str, Any] = label | {"aspect": name if name in ASPECTS else None}
            if several:
                about["annotator"] = None
            on = THUMB if name in THUMBS else scale
            yield Rating(**about, value=number, response="response", scale=on)


def without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def thumb(value: Any, field: str) -> float | None:
    said = "" if value is None else str(value).strip().lower()
    if said in UP or said in DOWN:
        return (UP | DOWN)[said]
    if said in MISSING:
        return None
    raise RowError("wrong_type", f"{field} must be up or down, not {value!r}"[:200], field)


def read_list(row: dict[str, Any]) -> Iterator[Rating]:
    """`ratings`: [{aspect, value, scale, rationale, turn}], by the row's annotator or their own."""
    who = annotator(row, "annotator")
    for index, item in enumerate(items(row, "ratings")):
        given = item | {"response": "response"}
        found = read_rating(given, f"ratings[{index}]", {"response"})
        by = found.annotator or who
        yield Rating(
            by, found.aspect, found.rationale, found.value, "response", found.turn, found.scale
        )


def as_columns(response: Response) -> dict[str, Any]:
    said = turns_of(response) if response.text is None else response.text
    return {"response": said, "model": response.model}


def rows_of(record: Record, response: Response) -> list[dict[str, Any]]:
    """A row for each annotator of the response; one without ratings where there is none."""
    groups: dict[Annotator | None, list[Rating]] = {}
    for label in record.ratings:
        if label.response == response.id:
            groups.setdefault(label.annotator, []).append(label)
    if not groups:
        return [{"ratings": []}]
    return [
        as_aspects(group) or as_list(group) | columns_of(Rating(who))
        for who, group in groups.items()
    ]


def as_aspects(group: Sequence[Rating]) -> dict[str, Any] | None:
    """A column for each aspect, where that says all."""
    scales = {label.scale for label in group}
    plain_ones = all(
        label.aspect in ASPECTS and (label.turn, label.rationale) == (None, None) for label in group
    )
    values = {str(label.aspect): label.value for label in group}
    if not plain_ones or len(scales) > 1 or len(values) < len(group):
        return None
    [scale] = scales
    if scale is None and values.keys() >= {*HELPSTEER}:
        return None
    implied = scale == HELPSTEER_SCALE and values.keys() >= {*HELPSTEER}
    given = {"scale": None if scale is None or implied else list(scale)}
    return {**values, **given, **columns_of(Rating(group[0].annotator))}


def as_list(group: Sequence[Rating]) -> dict[str, Any]:
    named = ("response", "annotator", "annotator_kind")
    return {"ratings": [others(write_rating(label), *named) for label in group]}
