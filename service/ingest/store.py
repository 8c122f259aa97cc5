"""An upload's file -> items, labels and pairs in the database, in one transaction."""

import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from service import files
from service.ingest.copying import Part, copy_part, raw_connection
from service.ingest.parser import parse
from service.tables.datasets import Dataset, Upload, UploadState
from service.tables.items import Prompt


def ingest(session: Session, upload: Upload, progress: Callable[[int], None]) -> None:
    """Take the file of an upload; the caller commits. Sets the upload's layout, counts and state.

    The file is read by a process of its own, while what it read before is copied. Raises Invalid,
    TooLarge or UnsupportedFile where nothing can be taken: an unreadable file, an unknown layout,
    or a bad row in mode `atomic`.
    """
    hold_dataset(session, upload.dataset_id)
    counts: dict[str, Any] = {}
    with bulk_loading(session):
        connection = raw_connection(session)
        empty = is_empty(session, upload.dataset_id)
        for frame in parse("ingest", empty=empty, **request(upload)):
            counts = frame.header["counts"]
            for (table, unsure), rows in zip(frame.header["parts"], frame.blobs, strict=True):
                copy_part(connection, upload.dataset_id, Part(table, unsure, rows))
            progress(counts["rows_in"])
    upload.layout, upload.pairs = counts["layout"], counts["pairs"]
    upload.rows_in, upload.rejected = counts["rows_in"], counts["rejected"]
    upload.accepted = counts["rows_in"] - counts["rejected"]
    upload.state = UploadState.ingested


def is_empty(session: Session, dataset_id: uuid.UUID) -> bool:
    """Whether no id can be there already."""
    return session.scalar(select(Prompt.id).where(Prompt.dataset_id == dataset_id).limit(1)) is None


def request(upload: Upload) -> dict[str, Any]:
    """What the parsing process has to know."""
    return {
        "key": files.upload_key(upload.sha256),
        "size": upload.size,
        "layout": upload.layout,
        "mapping": upload.mapping,
        "mode": upload.mode,
        "on_nul": upload.on_nul,
        "decide": upload.decide,
        "dataset_id": str(upload.dataset_id),
        "upload_id": str(upload.id),
        "ordinal": upload.ordinal,
        "sha256": upload.sha256.hex(),
    }


def hold_dataset(session: Session, dataset_id: uuid.UUID) -> None:
    """One file of a dataset at a time, and the dataset can't be deleted meanwhile."""
    session.execute(select(func.pg_advisory_xact_lock(lock_of(dataset_id))))
    held = (
        select(Dataset.id)
        .where(Dataset.id == dataset_id)
        .with_for_update(read=True, key_share=True)
    )
    session.execute(held)


def read_dataset(session: Session, dataset_id: uuid.UUID) -> None:
    """Nobody holds the dataset until this transaction ends; waits for who does."""
    session.execute(select(func.pg_advisory_xact_lock_shared(lock_of(dataset_id))))


def try_reading(session: Session, dataset_id: uuid.UUID) -> bool:
    """The same, unless somebody holds it."""
    lock = func.pg_try_advisory_xact_lock_shared(lock_of(dataset_id))
    return bool(session.scalar(select(lock)))


def lock_of(dataset_id: uuid.UUID) -> int:
    return int.from_bytes(dataset_id.bytes[:8], "big", signed=True)


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
