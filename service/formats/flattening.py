"""A record -> rows of a table, a label a row, whose cells are texts, numbers or JSON."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from service.formats.record import Record

KINDS = ("comparison", "rating", "ranking", "feedback", "record")


class Place(NamedTuple):
    """What the columns of one response are called: its text, its own name, its model."""

    text: str
    id: str
    model: str
    unnamed: str  # its name where the table gives none


A = Place("response_a", "id_a", "model_a", "a")
B = Place("response_b", "id_b", "model_b", "b")
ONLY = Place("response", "response_id", "model", "response")
SAID = ("annotator", "annotator_kind", "aspect", "rationale")
FEEDBACK = {"feedback_kind": "kind", "feedback_label": "label", "feedback_text": "text"}
OWN = {
    "kind", "id", "modality", "prompt", "responses", "gold", "extra", "chosen",
    "rejected", "winner", "strength", "shown", "rating", "scale", "turn", "tiers",
    *SAID, *FEEDBACK, *(name for place in (A, B, ONLY) for name in place[:3]),
}  # fmt: skip


def flattened(record: Record, native: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each label, and one for what no label names; `native`: the record without extra."""
    by_id = {response["id"]: response for response in native["responses"]}
    base = written_prompt(native) | written_extra(record.extra)
    rows = [without_gaps({**base, **row}) for row in written_labels(native, by_id)]
    shown = {id for row in rows for id in ids_in(row)}
    left = [each for id, each in by_id.items() if id not in shown or record.gold]
    if left or not rows or record.gold:
        rest = {"kind": "record", "responses": left or None, "gold": record.gold}
        rows.append(without_gaps({**base, **rest}))
    return rows


def written_prompt(native: dict[str, Any]) -> dict[str, Any]:
    found = {"id": native.get("id")}
    if native["modality"] != "text":
        found["modality"] = native["modality"]
    only = native["messages"][0] if len(native["messages"]) == 1 else {}
    said = only.get("content")
    plain = only.keys() == {"role", "content"} and only["role"] == "user"
    # An empty cell would be a missing one, and JSON would be read as messages.
    if plain and isinstance(said, str) and said and not said.startswith("["):
        return found | {"prompt": said}
    return found | {"prompt": native["messages"]}


def written_extra(extra: dict[str, Any]) -> dict[str, Any]:
    """Texts in columns of their own; what a cell can't tell from a text goes together as JSON."""
    texts = {
        name: value
        for name, value in extra.items()
        if isinstance(value, str) and value and name not in OWN
    }
    rest = {name: value for name, value in extra.items() if name not in texts}
    return texts | {"extra": rest or None}


def written_labels(native: dict[str, Any], by_id: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for label in native.get("comparisons", []):
        own = {"winner": label["outcome"]}
        sides = in_cells((by_id[label["a"]], A), (by_id[label["b"]], B))
        yield {"kind": "comparison", **said_by(label, "strength", "shown"), **own, **sides}
    for label in native.get("ratings", []):
        side = {} if "response" not in label else in_cells((by_id[label["response"]], ONLY))
        own = {"rating": label["value"]}
        yield {"kind": "rating", **said_by(label, "turn", "scale"), **own, **side}
    for label in native.get("rankings", []):
        ranked = [by_id[id] for tier in label["tiers"] for id in tier]
        yield {"kind": "ranking", **said_by(label, "tiers"), "responses": ranked}
    for label in native.get("feedback", []):
        own = {ours: label.get(theirs) for ours, theirs in FEEDBACK.items()}
        yield {"kind": "feedback", **said_by(label, "turn"), **own}


def said_by(label: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: label.get(name) for name in (*SAID, *names)}


def in_cells(*sides: tuple[dict[str, Any], Place]) -> dict[str, Any]:
    """Responses in cells; those with more than a text and a model as JSON."""
    found: dict[str, Any] = {}
    for response, place in sides:
        found[place.id] = response["id"]
        if response.keys() <= {"id", "text", "model"} and response.get("text"):
            found |= {place.text: response["text"], place.model: response.get("model")}
        else:
            found.setdefault("responses", []).append(response)
    return found


def ids_in(row: dict[str, Any]) -> set[str]:
    named = {row[place.id] for place in (A, B, ONLY) if place.id in row}
    return named | {each["id"] for each in row.get("responses", [])}


def without_gaps(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}
