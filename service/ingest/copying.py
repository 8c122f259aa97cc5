"""Rows of one chunk -> binary COPY into the tables, in the session's transaction."""

import uuid
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain, pairwise
from struct import Struct
from typing import Any, NamedTuple

import psycopg
from sqlalchemy.orm import Session

COLUMNS: dict[str, str] = {  # in the order that foreign keys ask for
    "annotators": "dataset_id id name kind",
    "prompts": "dataset_id id modality messages",
    "responses": "dataset_id id prompt_id text messages uri model",
    "records": "upload_id line part dataset_id prompt_id record_id responses gold extra",
    "comparisons": "upload_id line ordinal part dataset_id annotator_id aspect rationale"
    " a b outcome strength shown",
    "ratings": "upload_id line ordinal part dataset_id annotator_id aspect rationale"
    " response_id turn value scale_low scale_high",
    "rankings": "upload_id line ordinal part dataset_id annotator_id aspect rationale tiers",
    "feedback": "upload_id line ordinal part dataset_id annotator_id aspect rationale"
    " turn kind label text",
    "pairs": "dataset_id id position prompt_id chosen_id rejected_id content_id upload_id line"
    " votes agreement margin soft_label",
    "rejects": "upload_id line code field message raw",
}
SHARED = ("annotators", "prompts", "responses")  # a content hash that is there is not written again

# PostgreSQL's binary COPY: a signature, then for each row the number of fields, and for each
# field its length and bytes. Written by hand: psycopg's write_row takes twice the time.
SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
END = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
HEADERS = {name: len(columns.split()).to_bytes(2, "big") for name, columns in COLUMNS.items()}
INTEGER, FLOAT, LENGTH = Struct("!iq").pack, Struct("!id").pack, Struct("!i").pack
SMALL = Struct("!ih").pack
SLOT_BITS = 24
SLOTS = Struct("!II8x").unpack  # two independent numbers of an id, which is a hash


def id_field(id: bytes | None) -> bytes:
    return NULL if id is None else b"\x00\x00\x00\x10" + id


def integer_field(value: int | None) -> bytes:
    return NULL if value is None else INTEGER(8, value)


def small_field(value: int) -> bytes:
    return SMALL(2, value)


def float_field(value: float | None) -> bytes:
    return NULL if value is None else FLOAT(8, value)


def text_field(value: str | None) -> bytes:
    return NULL if value is None else bytes_field(value.encode())


def bytes_field(value: bytes) -> bytes:
    return LENGTH(len(value)) + value


def json_field(value: bytes | None) -> bytes:
    """JSON text as jsonb, version 1 of its wire format."""
    return NULL if value is None else LENGTH(len(value) + 1) + b"\x01" + value


class Part(NamedTuple):
    """Rows of one table. `unsure`: with their ids, since some may be there already."""

    table: str
    unsure: bool
    rows: bytes


class Chunk:
    """Rows by table in COPY's form, waiting to be sent together."""

    def __init__(self) -> None:
        self.shared: dict[str, dict[bytes, bytes]] = {name: {} for name in SHARED}
        self.rows: dict[str, list[bytes]] = {name: [] for name in COLUMNS if name not in SHARED}

    def add(self, table: str, *fields: bytes) -> None:
        self.rows[table].append(HEADERS[table] + b"".join(fields))

    def add_shared(self, table: str, id: bytes, *fields: bytes) -> None:
        """A row that is written only where its id is not there yet."""
        known = self.shared[table]
        if id not in known:
            known[id] = HEADERS[table] + b"".join(fields)

    def parts(self, seen: "Seen | None" = None) -> list[Part]:
        """Its rows by table in the order of the foreign keys; without `seen`, all may be there."""
        found: list[Part] = []
        for name, rows in self.shared.items():
            new, unsure = seen.split(rows) if seen else ({}, rows)
            if new:
                found.append(Part(name, False, b"".join(new.values())))
            if unsure:
                found.append(Part(name, True, packed(unsure)))
        return found + [
            Part(name, False, b"".join(rows)) for name, rows in self.rows.items() if rows
        ]


class Seen:
    """Which ids may be in the tables already, for a dataset that was empty: a Bloom filter.

    An id that it calls new is new. 16 MiB; of the first 3 million ids a tenth is called unsure.
    """

    def __init__(self) -> None:
        self.slots = bytearray(1 << SLOT_BITS)

    def split(self, rows: dict[bytes, bytes]) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
        """(new, unsure); all of them are seen afterwards."""
        slots, mask = self.slots, (1 << SLOT_BITS) - 1
        new: dict[bytes, bytes] = {}
        unsure: dict[bytes, bytes] = {}
        for id, row in rows.items():
            one, two = SLOTS(id)
            one, two = one & mask, two & mask
            (unsure if slots[one] and slots[two] else new)[id] = row
            slots[one] = slots[two] = 1
        return new, unsure


def packed(rows: dict[bytes, bytes]) -> bytes:
    """Rows with their ids: how many, the ids, the lengths, the rows."""
    lengths = array("I", map(len, rows.values()))
    return b"".join([LENGTH(len(rows)), *rows, lengths.tobytes(), *rows.values()])


def unpacked(part: bytes) -> dict[bytes, memoryview]:
    """Rows by id: the reverse of `packed`."""
    view = memoryview(part)
    count = int.from_bytes(view[:4], "big")
    at = 4 + 16 * count
    ids = [bytes(view[start : start + 16]) for start in range(4, at, 16)]
    lengths = array("I", bytes(view[at : at + 4 * count]))
    ends = list(accumulate(lengths, initial=at + 4 * count))
    rows = (view[start:end] for start, end in pairwise(ends))
    return dict(zip(ids, rows, strict=True))


def copy_part(connection: psycopg.Connection[Any], dataset_id: uuid.UUID, part: Part) -> None:
    """COPY a part of a chunk; of unsure rows, those that are not there."""
    if not part.unsure:
        copy(connection, part.table, [part.rows])
        return
    rows = unpacked(part.rows)
    for known in existing(connection, dataset_id, part.table, list(rows)):
        del rows[known]
    if rows:
        copy(connection, part.table, rows.values())


def existing(
    connection: psycopg.Connection[Any], dataset_id: uuid.UUID, table: str, ids: Sequence[bytes]
) -> list[bytes]:
    query = f"SELECT id FROM {table} WHERE dataset_id = %s AND id = ANY(%s::uuid[])"
    listed = "{" + ",".join(map(bytes.hex, ids)) + "}"
    found = connection.execute(query.encode(), (dataset_id, listed), binary=True)
    return [row[0].bytes for row in found]


def copy(
    connection: psycopg.Connection[Any], table: str, rows: Iterable[bytes | memoryview]
) -> None:
    body = b"".join(chain([SIGNATURE], rows, [END]))
    columns = ", ".join(COLUMNS[table].split())
    statement = f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)"
    with connection.cursor().copy(statement.encode()) as stream:
        stream.write(body)


def raw_connection(session: Session) -> psycopg.Connection[Any]:
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection
