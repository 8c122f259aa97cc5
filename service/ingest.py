"""An upload's rows -> items, labels and pairs in the database, in one transaction."""

import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import Any

import psycopg
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from service import files
from service.config import settings
from service.copying import (
    Chunk,
    bytes_field,
    integer_field,
    raw_connection,
    text_field,
)
from service.errors import Invalid
from service.formats import FORMATS, Format, recognise
from service.formats.record import RowError
from service.json_lines import Row
from service.normalise import Place, add_line
from service.reading import read_rows
from service.tables.datasets import Dataset, Upload, UploadState

CHUNK_ROWS = 2000  # that are copied together
CHUNK_BYTES = 8 << 20  # but no more than this as they were read
PEEK = 100  # rows that the layout is recognised by
MAX_ERRORS = 100  # of a refused file, named in its error
MAX_RAW = 1 << 20  # bytes of a rejected line that are kept
MAX_SHOWN = 1000  # characters of a reject's message
GIVE_WAY = 0.0005  # seconds that the copying thread waits for the interpreter, at most


def ingest(session: Session, upload: Upload, progress: Callable[[int], None]) -> None:
    """Take the file of an upload; the caller commits. Sets the upload's layout, counts and state.

    Raises Invalid, TooLarge or UnsupportedFile where nothing can be taken: an unreadable file,
    an unknown layout, or a bad row in mode `atomic`.
    """
    hold_dataset(session, upload.dataset_id)
    with files.open(files.upload_key(upload.sha256)) as file:
        rows = read_rows(file, upload.size, settings.max_line_bytes, upload.on_nul)
        layout, rows = recognised(rows, upload.layout)
        taker = Taker(upload, layout)
        with bulk_loading(session), Copier(raw_connection(session), progress) as copier:
            for row in rows:
                taker.take(row)
                if taker.full():
                    copier.send(taker.next_chunk(), taker.rows_in)
            taker.check()
            copier.send(taker.next_chunk(), taker.rows_in)
    upload.layout = layout.name if layout else None
    upload.rows_in, upload.rejected = taker.rows_in, taker.rejected
    upload.accepted, upload.pairs = taker.rows_in - taker.rejected, taker.pairs
    upload.state = UploadState.ingested


def hold_dataset(session: Session, dataset_id: uuid.UUID) -> None:
    """One file of a dataset at a time, and the dataset can't be deleted meanwhile."""
    lock = int.from_bytes(dataset_id.bytes[:8], "big", signed=True)
    session.execute(select(func.pg_advisory_xact_lock(lock)))
    held = (
        select(Dataset.id)
        .where(Dataset.id == dataset_id)
        .with_for_update(read=True, key_share=True)
    )
    session.execute(held)


class bulk_loading:
    """Inside: no check of foreign keys row by row, where the database's role may do so.

    Every id that is written is one of the same chunk or was looked up, and the owners are locked;
    checking each again would double the server's work.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        allowed = text("SELECT has_parameter_privilege('session_replication_role', 'SET')")
        self.allowed = bool(session.scalar(allowed))

    def set_role(self, role: str) -> None:
        if self.allowed:
            self.session.execute(text(f"SET LOCAL session_replication_role = {role}"))

    def __enter__(self) -> None:
        self.set_role("replica")
        # The tables' statistics are older than this transaction: never read a whole table to
        # look up a chunk's ids.
        self.session.execute(text("SET LOCAL enable_seqscan = off"))

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:  # else the transaction is lost anyway
            self.set_role("origin")
            self.session.execute(text("SET LOCAL enable_seqscan = on"))


class Copier:
    """Copies a chunk in a thread of its own, while the next one is read."""

    def __init__(
        self, connection: psycopg.Connection[Any], progress: Callable[[int], None]
    ) -> None:
        self.connection, self.progress = connection, progress
        self.thread = ThreadPoolExecutor(1, "copy")
        self.interval = sys.getswitchinterval()
        self.copying: Future[None] | None = None
        self.rows = 0

    def __enter__(self) -> "Copier":
        sys.setswitchinterval(GIVE_WAY)  # the default would keep the server waiting for 5 ms
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self.settle()
        finally:
            self.thread.shutdown(wait=True)
            sys.setswitchinterval(self.interval)

    def settle(self) -> None:
        """Wait for the chunk before and report it: nobody else may use the connection by then."""
        if self.copying is not None:
            self.copying.result()
            self.copying = None
            self.progress(self.rows)

    def send(self, chunk: Chunk, rows: int) -> None:
        self.settle()
        self.rows = rows
        self.copying = self.thread.submit(chunk.copy_into, self.connection)


def recognised(rows: Iterator[Row], asked: str | None) -> tuple[Format | None, Iterator[Row]]:
    """The layout asked for, or the first rows' own; None where no row could be read."""
    if asked:
        if asked not in FORMATS:
            known = ", ".join(FORMATS)
            raise Invalid(f"no layout {asked!r}; known: {known}", code="unknown_layout")
        return FORMATS[asked], rows
    first = list(islice(rows, PEEK))
    readable = [row.value for row in first if not isinstance(row.value, RowError)]
    found = recognise(readable)
    if readable and found is None:
        keys = ", ".join(sorted({key for row in readable for key in row})[:20])
        detail = f"no known layout has these keys: {keys}; known layouts: {', '.join(FORMATS)}"
        raise Invalid(detail, code="unknown_layout", line=first[0].line)
    return (found[0] if found else None), chain(first, rows)


class Taker:
    """Turns rows into rows of the tables, and counts them."""

    def __init__(self, upload: Upload, layout: Format | None) -> None:
        self.layout = layout
        self.place = Place(upload.dataset_id, upload.id, upload.ordinal, upload.sha256)
        self.dataset_id = upload.dataset_id
        self.chunk, self.chunk_rows, self.chunk_bytes = Chunk(self.dataset_id), 0, 0
        self.atomic = upload.mode == "atomic"
        self.rows_in = self.rejected = self.pairs = 0
        self.errors: list[dict[str, Any]] = []

    def take(self, row: Row) -> None:
        """Add the row's table rows to the chunk, or its reject."""
        self.rows_in += 1
        self.chunk_rows += 1
        self.chunk_bytes += len(row.raw)
        value = row.value
        if not isinstance(value, RowError):
            # Only where no row of the first ones could be read is there no layout.
            layout = self.layout = self.layout or recognised(iter([row]), None)[0]
            assert layout is not None
            try:
                records = layout.read_all(value)
                if not (self.atomic and self.rejected):
                    self.pairs += add_line(self.chunk, self.place, records, row.line)
            except RowError as error:
                value = error
        if isinstance(value, RowError):
            self.reject(row, value)

    def reject(self, row: Row, error: RowError) -> None:
        self.rejected += 1
        message = error.message[:MAX_SHOWN]
        if len(self.errors) < MAX_ERRORS:
            named = {"line": row.line, "field": error.field, "code": error.code}
            self.errors.append({**named, "message": message})
        if not self.atomic:
            self.chunk.add(
                "rejects",
                self.place.upload, integer_field(row.line), text_field(error.code),
                text_field(error.field), text_field(message), bytes_field(row.raw[:MAX_RAW]),
            )  # fmt: skip

    def full(self) -> bool:
        return self.chunk_rows >= CHUNK_ROWS or self.chunk_bytes >= CHUNK_BYTES

    def next_chunk(self) -> Chunk:
        """What was taken since the last one."""
        done = self.chunk
        self.chunk, self.chunk_rows, self.chunk_bytes = Chunk(self.dataset_id), 0, 0
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
