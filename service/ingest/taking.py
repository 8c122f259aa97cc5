"""Rows of a file -> rows of the tables, in chunks that are copied together."""

import uuid
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

import orjson

from service.errors import Invalid
from service.formats import FORMATS, Format, recognise
from service.formats.record import RowError
from service.ingest.copying import Chunk, bytes_field, integer_field, text_field
from service.ingest.gathering import gathered
from service.ingest.mapping import proposed
from service.ingest.normalise import Place, add_line
from service.reading.json_lines import Row

CHUNK_ROWS = 2000  # that are copied together
CHUNK_BYTES = 8 << 20  # but no more than this as they were read
PEEK = 100  # rows that the layout is recognised by
MAX_ERRORS = 100  # of a refused file, named in its error
MAX_RAW = 1 << 20  # bytes of a rejected line that are kept
MAX_SHOWN = 1000  # characters of a reject's message


def recognised(rows: Iterator[Row], asked: str | None) -> tuple[Format | None, Iterator[Row]]:
    """The layout asked for, or the first rows' own; None where no row could be read.

    Rows that the layout wants together come together.
    """
    if asked:
        if asked not in FORMATS:
            known = ", ".join(FORMATS)
            raise Invalid(f"no layout {asked!r}; known: {known}", code="unknown_layout")
        return FORMATS[asked], gathered(rows, FORMATS[asked])
    first = list(islice(rows, PEEK))
    layout, rows = layout_of(first), chain(first, rows)
    return layout, gathered(rows, layout) if layout else recognised_late(rows)


def recognised_late(rows: Iterator[Row]) -> Iterator[Row]:
    """Rows of which the first ones could not be read."""
    for row in rows:
        if isinstance(row.value, RowError):
            yield row
        elif layout := layout_of([row]):
            yield from gathered(chain([row], rows), layout)


def layout_of(rows: Sequence[Row]) -> Format | None:
    """The layout of these rows; None where none of them could be read. Raises Invalid."""
    readable = [row.value for row in rows if not isinstance(row.value, RowError)]
    found = recognise(readable) if readable else None
    if readable and found is None:
        keys = ", ".join(sorted({key for row in readable for key in row})[:20])
        guess = proposed(readable)
        may = f"; try mapping={orjson.dumps(guess).decode()}" if guess else ""
        known = ", ".join(FORMATS)
        detail = f"no known layout has these keys: {keys}{may}; known layouts: {known}"
        raise Invalid(detail, code="unknown_layout", line=rows[0].line, suggestion=guess)
    return found[0] if found else None


class Taker:
    """Turns rows into rows of the tables, and counts them."""

    def __init__(self, place: Place, layout: Format | None, *, atomic: bool) -> None:
        self.place, self.layout, self.atomic = place, layout, atomic
        self.chunk, self.chunk_rows, self.chunk_bytes = Chunk(), 0, 0
        self.rows_in = self.rejected = self.pairs = 0
        self.errors: list[dict[str, Any]] = []

    def chunks(self, rows: Iterator[Row]) -> Iterator[Chunk]:
        """What the rows become. Raises Invalid for a bad row in mode `atomic`, at the end."""
        for row in rows:
            self.take(row)
            if self.chunk_rows >= CHUNK_ROWS or self.chunk_bytes >= CHUNK_BYTES:
                yield self.next_chunk()
        self.check()
        yield self.next_chunk()

    def take(self, row: Row) -> None:
        """Add the row's table rows to the chunk, or its reject."""
        parts = row.of_file()
        self.rows_in += len(parts)
        self.chunk_rows += len(parts)
        self.chunk_bytes += sum(map(byte_length, parts))
        value = row.value
        if not isinstance(value, RowError):
            # Only where no row of the first ones could be read is there no layout.
            layout = self.layout = self.layout or layout_of([row])
            assert layout is not None
            try:
                records = layout.read_all(value)
                if not (self.atomic and self.rejected):
                    self.pairs += add_line(self.chunk, self.place, records, row.line)
            except RowError as error:
                value = error
        if isinstance(value, RowError):
            for part in parts:
                self.reject(part, value)

    def reject(self, row: Row, error: RowError) -> None:
        self.rejected += 1
        named = reject_of(row, error)
        if len(self.errors) < MAX_ERRORS:
            self.errors.append(named)
        if not self.atomic:
            self.chunk.add(
                "rejects",
                self.place.upload, integer_field(row.line), text_field(error.code),
                text_field(error.field), text_field(named["message"]),
                bytes_field(row.raw[:MAX_RAW]),
            )  # fmt: skip

    def next_chunk(self) -> Chunk:
        """What was taken since the last one."""
        done = self.chunk
        self.chunk, self.chunk_rows, self.chunk_bytes = Chunk(), 0, 0
        return done

    def check(self) -> None:
        """Refuse the whole file for a bad row in mode `atomic`."""
        if self.atomic and self.rejected:
            raise Invalid(
                f"{self.rejected} of {self.rows_in} rows are wrong, and the mode is atomic",
                code="rejected_rows",
                errors=self.errors,
                rejected=self.rejected,
                rows_in=self.rows_in,
            )

    def counts(self) -> dict[str, Any]:
        layout = self.layout.name if self.layout else None
        counted = {"rows_in": self.rows_in, "rejected": self.rejected, "pairs": self.pairs}
        return {"layout": layout, **counted}


def byte_length(row: Row) -> int:
    return len(row.raw)


def reject_of(row: Row, error: RowError) -> dict[str, Any]:
    """Where a row is wrong, and why."""
    message = error.message[:MAX_SHOWN]
    return {"line": row.line, "field": error.field, "code": error.code, "message": message}


def place_of(spec: dict[str, Any]) -> Place:
    """Where rows go, from an ingest's request."""
    dataset, upload = uuid.UUID(spec["dataset_id"]), uuid.UUID(spec["upload_id"])
    sha256, decide = bytes.fromhex(spec["sha256"]), spec["decide"] != "none"
    return Place(dataset, upload, spec["ordinal"], sha256, decide=decide)
