"""How a file would be read: its layout, its columns, first records and first rejects."""

import uuid
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

from service.errors import Invalid
from service.formats import FORMATS, Format
from service.formats.record import Record, RowError
from service.ingest.advice import Looked, advice, suggestion
from service.ingest.copying import Chunk
from service.ingest.gathering import gathered
from service.ingest.mapping import mapped
from service.ingest.normalise import Place, add_line
from service.ingest.taking import PEEK, byte_length, recognised, reject_of
from service.reading.json_lines import Row

MAX_ROWS = 1000  # that are looked at
MAX_BYTES = 8 << 20  # of them
MAX_RECORDS = 5  # shown
MAX_REJECTS = 20  # shown
MAX_CANDIDATES = 5
MAX_RAW = 500  # characters of a rejected line
MAX_COLUMNS = 100
NOWHERE = Place(uuid.UUID(int=0), uuid.UUID(int=0), 1, bytes(32))


def preview(rows: Iterator[Row], asked: str | None, mapping: dict[str, str] | None) -> Any:
    """JSON: what an ingest would make of the first rows. `layout` is None where none fits."""
    first = list(islice(rows, PEEK))
    theirs = columns_of(first)
    ours = list(mapped(iter(first), mapping))
    try:
        layout = recognised(iter(ours), asked)[0]
    except Invalid:
        layout = None
    seen = Seen(layout)
    following = chain(ours, mapped(rows, mapping))
    for row in gathered(following, layout) if layout else following:
        if not seen.take(row):
            break
    present = columns_of(ours)
    known = [name for name in layout.columns if name in present] if layout else []
    given = {name: theirs for name, theirs in (mapping or {}).items() if name in present}
    likely = candidates(ours)
    found = Looked(
        readable(first), theirs, mapping or {}, layout.name if layout else None, len(likely),
        seen.rows, seen.rows - seen.accepted,
    )  # fmt: skip
    return {
        "layout": layout.name if layout else None,
        "confidence": sureness(layout, ours) if layout else 0.0,
        "candidates": likely,
        "columns": theirs[:MAX_COLUMNS],
        "mapping": {name: name for name in known} | given,
        "suggestion": suggestion(found),
        "advice": list(advice(found)),
        **seen.found(),
    }


class Seen:
    """Reads rows as an ingest does, and keeps the first results."""

    def __init__(self, layout: Format | None) -> None:
        self.layout = layout
        self.rows = self.bytes = self.accepted = 0
        self.complete = True
        self.records: list[dict[str, Any]] = []
        self.rejects: list[dict[str, Any]] = []

    def take(self, row: Row) -> bool:
        """Whether there was room for this row."""
        if self.rows >= MAX_ROWS or self.bytes > MAX_BYTES:
            self.complete = False
            return False
        parts = row.of_file()
        self.rows += len(parts)
        self.bytes += sum(map(byte_length, parts))
        error = row.value if isinstance(row.value, RowError) else self.read(row.value, row.line)
        if error is None:
            self.accepted += len(parts)
        else:
            for part in parts[: MAX_REJECTS - len(self.rejects)]:
                raw = part.raw[: 4 * MAX_RAW].decode(errors="replace")[:MAX_RAW]
                self.rejects.append({**reject_of(part, error), "raw": raw})
        return True

    def read(self, value: dict[str, Any], line: int) -> RowError | None:
        """Add the records of a row; or what is wrong with it."""
        if self.layout is None:
            return RowError("unknown_layout", "no known layout has these keys")
        try:
            records = self.layout.read_all(value)
            add_line(Chunk(), NOWHERE, records, line)
            self.show(records)
        except RowError as error:
            return error
        return None

    def show(self, records: Sequence[Record]) -> None:
        for record in records:
            if len(self.records) < MAX_RECORDS:
                self.records += FORMATS["native"].write(record)

    def found(self) -> dict[str, Any]:
        """`complete`: these were all rows of the file."""
        return {
            "rows": self.rows,
            "accepted": self.accepted,
            "rejected": self.rows - self.accepted,
            "complete": self.complete,
            "records": self.records,
            "rejects": self.rejects,
        }


def columns_of(rows: Sequence[Row]) -> list[str]:
    """The names in these rows, in the order in which they come."""
    names = (name for row in rows if not isinstance(row.value, RowError) for name in row.value)
    return list(dict.fromkeys(names))


def readable(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [row.value for row in rows if not isinstance(row.value, RowError)]


def sureness(layout: Format, rows: Sequence[Row]) -> float:
    """0..1; 0 where no row can be read."""
    values = readable(rows)
    return layout.recognise(values) if values else 0.0


def candidates(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The layouts that these rows may have, the likeliest first."""
    values = readable(rows)
    if not values:
        return []
    sure = {name: layout.recognise(values) for name, layout in FORMATS.items()}
    best = sorted((-value, name) for name, value in sure.items() if value > 0)
    return [{"layout": name, "confidence": -value} for value, name in best[:MAX_CANDIDATES]]
