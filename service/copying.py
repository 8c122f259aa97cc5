"""Rows of one chunk -> binary COPY into the tables, in the session's transaction."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

Values: TypeAlias = tuple[Any, ...]

COLUMNS: dict[str, dict[str, str]] = {  # in the order that foreign keys ask for
    "annotators": {"dataset_id": "uuid", "id": "uuid", "name": "text", "kind": "text"},
    "prompts": {"dataset_id": "uuid", "id": "uuid", "modality": "text", "messages": "jsonb"},
    "responses": {
        "dataset_id": "uuid", "id": "uuid", "prompt_id": "uuid", "text": "text",
        "messages": "jsonb", "uri": "text", "model": "text",
    },
    "records": {
        "upload_id": "uuid", "line": "int8", "dataset_id": "uuid", "prompt_id": "uuid",
        "record_id": "text", "responses": "jsonb", "gold": "jsonb", "extra": "jsonb",
    },
    "comparisons": {
        "upload_id": "uuid", "line": "int8", "ordinal": "int8", "dataset_id": "uuid",
        "annotator_id": "uuid", "aspect": "text", "rationale": "text", "a": "uuid", "b": "uuid",
        "outcome": "text", "strength": "float8", "shown": "text",
    },
    "ratings": {
        "upload_id": "uuid", "line": "int8", "ordinal": "int8", "dataset_id": "uuid",
        "annotator_id": "uuid", "aspect": "text", "rationale": "text", "response_id": "uuid",
        "turn": "int8", "value": "float8", "scale_low": "float8", "scale_high": "float8",
    },
    "rankings": {
        "upload_id": "uuid", "line": "int8", "ordinal": "int8", "dataset_id": "uuid",
        "annotator_id": "uuid", "aspect": "text", "rationale": "text", "tiers": "jsonb",
    },
    "feedback": {
        "upload_id": "uuid", "line": "int8", "ordinal": "int8", "dataset_id": "uuid",
        "annotator_id": "uuid", "aspect": "text", "rationale": "text", "turn": "int8",
        "kind": "text", "label": "text", "text": "text",
    },
    "pairs": {
        "dataset_id": "uuid", "id": "uuid", "position": "int8", "prompt_id": "uuid",
        "chosen_id": "uuid", "rejected_id": "uuid", "content_id": "uuid", "upload_id": "uuid",
        "line": "int8", "votes": "int8", "agreement": "float8",
    },
    "rejects": {
        "upload_id": "uuid", "line": "int8", "code": "text", "field": "text", "message": "text",
        "raw": "bytea",
    },
}  # fmt: skip
SHARED = ("annotators", "prompts", "responses")  # a content hash that is there is not written again


def as_it_is(raw: Any) -> Any:
    return raw


def jsonb(raw: bytes | None) -> Jsonb | None:
    """JSON text that goes into a jsonb column without being parsed and written again."""
    return None if raw is None else Jsonb(raw, dumps=as_it_is)


def raw_connection(session: Session) -> psycopg.Connection[Any]:
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection


class Chunk:
    """Rows by table, waiting to be copied together."""

    def __init__(self, dataset_id: uuid.UUID) -> None:
        self.dataset_id = dataset_id
        self.shared: dict[str, dict[uuid.UUID, Values]] = {name: {} for name in SHARED}
        self.rows: dict[str, list[Values]] = {name: [] for name in COLUMNS if name not in SHARED}

    def copy_into(self, connection: psycopg.Connection[Any]) -> None:
        """COPY everything in the order of the foreign keys; then the chunk is empty."""
        for name in COLUMNS:
            if name in SHARED:
                rows = self.shared[name]
                for known in self.existing(connection, name, list(rows)):
                    del rows[known]
                copy(connection, name, rows.values())
                rows.clear()
            else:
                copy(connection, name, self.rows[name])
                self.rows[name].clear()

    def existing(
        self, connection: psycopg.Connection[Any], table: str, ids: Sequence[uuid.UUID]
    ) -> list[uuid.UUID]:
        if not ids:
            return []
        query = f"SELECT id FROM {table} WHERE dataset_id = %s AND id = ANY(%s)"
        found = connection.execute(query.encode(), (self.dataset_id, list(ids)), binary=True)
        return [row[0] for row in found]


def copy(connection: psycopg.Connection[Any], table: str, rows: Iterable[Values]) -> None:
    """COPY the rows in binary form; nothing is sent for none."""
    columns = COLUMNS[table]
    rows = list(rows)
    if not rows:
        return
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    with connection.cursor().copy(statement.encode()) as stream:
        stream.set_types(list(columns.values()))
        for row in rows:
            stream.write_row(row)
