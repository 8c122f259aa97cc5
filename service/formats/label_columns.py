"""Columns beside a label: who gave it, about what, why, and how strongly."""

import re
from typing import Any

import orjson

from service.formats.fields import number, optional_text
from service.formats.record import Annotator, Label, RowError

KINDS = ("human", "model", "rule")
MISSING = ("", "n/a", "na", "none", "null", "-")
MODELS = re.compile(r"(gpt|claude|gemini|llama|chatgpt|mistral|qwen|prometheus)", re.IGNORECASE)
COLUMNS = ("annotator_kind", "aspect", "rationale")


def rating(value: Any, field: str) -> float | None:
    """The number, also where it is written as text; None where the annotator gave none."""
    if isinstance(value, str):
        if value.strip().lower() in MISSING:
            return None
        try:
            value = orjson.loads(value.strip())
        except orjson.JSONDecodeError:
            value = str(value)
    return None if value is None else number(value, field)


def name_of(value: Any, field: str) -> str:
    """A name, or a number that stands for one."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        detail = f"{field} must be a name or a number, not {type(value).__name__}"
        raise RowError("wrong_type", detail, field)
    return str(value)


def identifier(row: dict[str, Any], *columns: str) -> str | None:
    """The record's id, from the first of these columns that is there."""
    found = next((name for name in columns if row.get(name) is not None), None)
    return None if found is None else name_of(row[found], found)


def annotator(row: dict[str, Any], column: str) -> Annotator | None:
    """Whoever the column names; a model by its name, unless `annotator_kind` tells."""
    if row.get(column) in (None, ""):
        return None
    name = name_of(row[column], column)
    kind = row.get("annotator_kind") or implied_kind(name)
    if kind not in KINDS:
        detail = f"annotator_kind is {kind!r}; known: {', '.join(KINDS)}"[:200]
        raise RowError("wrong_type", detail, "annotator_kind")
    return Annotator(name, kind)


def implied_kind(name: str) -> str:
    return "model" if MODELS.match(name) else "human"


def label_of(row: dict[str, Any], column: str = "annotator") -> dict[str, Any]:
    """What every label has."""
    return {
        "annotator": annotator(row, column),
        "aspect": optional_text(row, "aspect", "aspect"),
        "rationale": optional_text(row, "rationale", "rationale"),
    }


def columns_of(label: Label, column: str = "annotator") -> dict[str, Any]:
    """The reverse of `label_of`; the kind only where the name does not tell it."""
    who = label.annotator
    kind = None if who is None or implied_kind(who.name) == who.kind else who.kind
    return {
        column: who and who.name,
        "annotator_kind": kind,
        "aspect": label.aspect,
        "rationale": label.rationale,
    }


def shown_of(row: dict[str, Any]) -> str | None:
    """Which response stood first: `ab` or `ba`."""
    shown = row.get("shown")
    if shown not in (None, "ab", "ba"):
        raise RowError("wrong_type", f"shown is {shown!r}; known: ab, ba"[:200], "shown")
    return shown


def strength_of(row: dict[str, Any]) -> float | None:
    return None if row.get("strength") is None else number(row["strength"], "strength")
