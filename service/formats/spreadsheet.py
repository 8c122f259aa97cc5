"""A table with a label a row: what people keep in a spreadsheet, and any record flattened."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from service.formats.fields import Cell, decoded, is_messages, number, required, text
from service.formats.flattening import (
    FEEDBACK,
    KINDS,
    ONLY,
    OWN,
    SAID,
    A,
    B,
    Place,
    flattened,
    without_gaps,
)
from service.formats.format import Format
from service.formats.native import NativeRecord
from service.formats.record import Record, RowError

WINNERS = {
    "a": "a", "response_a": "a", "model_a": "a", "b": "b", "response_b": "b", "model_b": "b",
    "tie": "tie", "equal": "tie", "both_bad": "both_bad", "tie (bothbad)": "both_bad",
}  # fmt: skip
NATIVE = NativeRecord()


class Spreadsheet(Format):
    name: ClassVar[str] = "csv"
    description: ClassVar[str] = "A label a row: chosen/rejected, a rating, or a winner of a and b"
    columns: ClassVar[tuple[str, ...]] = (
        "prompt", "chosen", "rejected", "response", "rating", "response_a", "response_b", "winner",
        "annotator", "aspect", "rationale",
    )  # fmt: skip

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        columns = {name for row in rows for name in row}
        return sum(likeness(row, columns) for row in rows) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        known = row.get("kind") in KINDS
        kind = str(row["kind"]) if known else kind_of(row)
        label = {name: row[name] for name in SAID if name in row}
        flat: dict[str, Any] = {
            "id": row.get("id"),
            "modality": row.get("modality"),
            "messages": prompt_of(row),
            "gold": row.get("gold"),
        }
        try:
            record = NATIVE.read(flat | READERS[kind](row, label))
        except RowError as error:
            raise RowError(error.code, error.message, column_of(error.field)) from None
        extra = {name: value for name, value in row.items() if name not in OWN}
        if not known and "kind" in row:
            extra["kind"] = row["kind"]
        more = decoded(row.get("extra"))
        extra |= more if isinstance(more, dict) else {} if more is None else {"extra": more}
        return replace(record, extra=extra)

    def write(self, record: Record) -> list[dict[str, Any]]:
        [native] = NATIVE.write(replace(record, extra={}))
        return flattened(record, native)


def likeness(row: dict[str, Any], columns: set[str]) -> float:
    """`columns` are those of all rows: a row has only the cells that are not empty."""
    if "prompt" not in row:
        return 0.0
    if row.get("kind") in KINDS:
        return 1.0
    if row.keys() >= {"response", "rating"}:
        return 0.6
    if row.keys() >= {"response_a", "response_b", "winner"}:
        return 0.6
    # Without a word about the judgment, chosen and rejected are what trl_preference reads.
    told = columns >= {"chosen", "rejected"} and columns & {*SAID, "strength"}
    return 0.55 if told and isinstance(row["prompt"], Cell) else 0.0


def kind_of(row: dict[str, Any]) -> str:
    if "winner" in row or "chosen" in row or "rejected" in row:
        return "comparison"
    if "rating" in row:
        return "rating"
    if "tiers" in row:
        return "ranking"
    return "feedback" if row.keys() & FEEDBACK.keys() else "record"


def prompt_of(row: dict[str, Any]) -> Any:
    """A text is one message of the user's."""
    prompt = required(row, "prompt")
    if is_messages(prompt):
        return prompt
    return [{"role": "user", "content": text(prompt, "prompt")}]


def given_responses(row: dict[str, Any], *places: Place) -> list[Any]:
    """Those in cells of their own in the order of their places, then others of `responses`."""
    found = decoded(row.get("responses")) or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise RowError("wrong_type", "responses must be a list of objects", "responses")
    rest = {str(each.get("id", f"r{index}")): each for index, each in enumerate(found)}
    if len(rest) < len(found):
        raise RowError("duplicate_id", "two responses have the same id", "responses")
    placed: dict[str, Any] = {}
    for place in places:
        id = id_in(row, place)
        if place.text in row:
            own = {"id": id, "text": row[place.text], "model": row.get(place.model)}
            placed[id] = without_gaps(own)
        elif id in rest:
            placed[id] = rest[id]
    return [{**each, "id": id} for id, each in (placed | {**rest, **placed}).items()]


def id_in(row: dict[str, Any], place: Place) -> str:
    return str(row.get(place.id) or place.unnamed)


def read_comparison(row: dict[str, Any], label: dict[str, Any]) -> dict[str, Any]:
    winner = row.get("winner")
    if winner is None and row.keys() & {"chosen", "rejected"}:
        sides = [text(required(row, name), name) for name in ("chosen", "rejected")]
        if sides[0] == sides[1]:
            raise RowError("chosen_equals_rejected", "chosen and rejected are the same", "rejected")
        row = {**row, A.text: sides[0], A.id: "chosen", B.text: sides[1], B.id: "rejected"}
        winner = "a"
    said = str(required({"winner": winner}, "winner"))
    if said.strip().lower() not in WINNERS:
        raise RowError("wrong_type", f"winner is {said!r}; known: {', '.join(WINNERS)}", "winner")
    own = {
        "a": id_in(row, A),
        "b": id_in(row, B),
        "outcome": WINNERS[said.strip().lower()],
        "strength": row.get("strength"),
        "shown": row.get("shown"),
    }
    return {"responses": given_responses(row, A, B), "comparisons": [{**label, **own}]}


def read_rating(row: dict[str, Any], label: dict[str, Any]) -> dict[str, Any]:
    about = "response" in row or "response_id" in row
    own = {
        "value": number(required(row, "rating"), "rating"),
        "response": id_in(row, ONLY) if about else None,
        "turn": row.get("turn"),
        "scale": decoded(row.get("scale")),
    }
    return {"responses": given_responses(row, ONLY), "ratings": [{**label, **own}]}


def read_ranking(row: dict[str, Any], label: dict[str, Any]) -> dict[str, Any]:
    ranking = {**label, "tiers": decoded(row.get("tiers"))}
    return {"responses": given_responses(row), "rankings": [ranking]}


def read_feedback(row: dict[str, Any], label: dict[str, Any]) -> dict[str, Any]:
    own = {theirs: row.get(ours) for ours, theirs in FEEDBACK.items()}
    return {"feedback": [{**label, **own, "turn": row.get("turn")}]}


def read_record(row: dict[str, Any], _: dict[str, Any]) -> dict[str, Any]:
    return {"responses": given_responses(row, A, B, ONLY)}


READERS: dict[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]] = {
    "comparison": read_comparison,
    "rating": read_rating,
    "ranking": read_ranking,
    "feedback": read_feedback,
    "record": read_record,
}


def column_of(field: str | None) -> str | None:
    """The column of a field of the native record: `ratings[0].value` -> `rating`."""
    last = (field or "").rpartition(".")[2].partition("[")[0]
    return {"outcome": "winner", "value": "rating"}.get(last, last) or None
