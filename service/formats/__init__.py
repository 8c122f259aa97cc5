"""Data layouts, one file each: recognises it, reads it, writes it."""

from collections.abc import Sequence
from typing import Any

from curation.plugins import discover
from service.formats.format import Format
from service.formats.record import Record, RowError

discover(__name__, __path__)

FORMATS: dict[str, Format] = {
    layout.name: layout()
    for layout in sorted(Format.__subclasses__(), key=lambda layout: layout.name)
}


def recognise(rows: Sequence[dict[str, Any]]) -> tuple[Format, float] | None:
    """The likeliest layout of these first rows and how sure that is; None where none fits."""
    sure, name = max((layout.recognise(rows), name) for name, layout in FORMATS.items())
    return (FORMATS[name], sure) if sure >= 0.2 else None


__all__ = ["FORMATS", "Format", "Record", "RowError", "recognise"]
