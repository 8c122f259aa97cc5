"""What layouts of published sets share: rows with given keys, written only as they were read."""

from collections.abc import Sequence
from typing import Any

from service.formats.format import Format
from service.formats.record import Message, Record, RowError


def with_keys(rows: Sequence[dict[str, Any]], *names: str) -> float:
    """The share of rows that have all of these keys."""
    return sum(row.keys() >= {*names} for row in rows) / len(rows) if rows else 0.0


def asked(prompt: str) -> list[Message]:
    return [{"role": "user", "content": prompt}]


def prompt_of(record: Record) -> str | None:
    """The prompt, where it is one text of the user's."""
    if len(record.messages) != 1 or record.messages[0].keys() != {"role", "content"}:
        return None
    said = record.messages[0]["content"]
    return said if isinstance(said, str) else None


def others(row: dict[str, Any], *read: str) -> dict[str, Any]:
    """The columns that were not read."""
    return {name: value for name, value in row.items() if name not in read}


def exactly(layout: Format, record: Record, row: dict[str, Any]) -> list[dict[str, Any]]:
    """The row, where it reads as the very record; a set holds no labels but its own kind's."""
    row = {name: value for name, value in row.items() if value is not None}
    try:
        same = layout.read(row) == record
    except RowError:
        same = False
    if not same:
        raise RowError("not_expressible", f"only what is shaped like {layout.name} is written so")
    return [row]
