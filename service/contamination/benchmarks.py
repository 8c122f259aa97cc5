"""Benchmark files as texts to look for: every string of every row that has words enough."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from curation.grouping.contamination import LEAST
from curation.grouping.fingerprints import WORD
from service.config import settings
from service.errors import Invalid
from service.formats.record import RowError
from service.reading.rows import read_rows


class Item(NamedTuple):
    """`field` is the place in the row: names and numbers, joined by dots."""

    file: str
    line: int
    field: str
    text: str


def read_benchmarks(paths: Sequence[Path]) -> list[Item]:
    """Files of any kind that an upload takes, whatever their columns. Each text once. Raises
    Invalid where there is none."""
    found: dict[str, Item] = {}
    for path in paths:
        with path.open("rb") as source:
            for row in read_rows(source, path.stat().st_size, settings.max_line_bytes):
                if isinstance(row.value, RowError):
                    continue
                for field, text in strings(row.value):
                    if len(WORD.findall(text)) >= LEAST:
                        found.setdefault(text, Item(str(path), row.line, field, text))
    if not found:
        raise Invalid(f"no text of {LEAST} words is in the benchmark", code="empty_benchmark")
    return list(found.values())


def strings(value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield ".".join(place), value
    elif isinstance(value, dict):
        for name, each in value.items():  # pyright: ignore[reportUnknownVariableType]
            yield from strings(each, (*place, str(name)))  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, list):
        for number, each in enumerate(value):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            yield from strings(each, (*place, str(number)))
