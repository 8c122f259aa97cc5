"""An upload's rows -> items, labels and pairs in the database, in one transaction."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service import files, identity
from service.config import settings
from service.copying import Chunk, jsonb, raw_connection
from service.errors import Invalid
from service.formats import FORMATS, Format, recognise
from service.formats.record import Label, Record, Response, RowError
from service.json_lines import Row
from service.pair_policy import decide
from service.reading import read_rows
from service.tables.datasets import Upload, UploadState
from service.tables.labels import Outcome
from service.tables.pairs import POSITION_ORDINAL_BITS, position

CHUNK = 2000  # rows that are copied together
PEEK = 100  # rows that the layout is recognised by
MAX_ERRORS = 100  # of a refused file, named in its error
MAX_PAIRS = 1 << POSITION_ORDINAL_BITS  # of one row
MAX_RAW = 1 << 20  # bytes of a rejected line that are kept


def ingest(session: Session, upload: Upload, progress: Callable[[int], None]) -> None:
    """Take the file of an upload; the caller commits. Sets the upload's layout, counts and state.

    Raises Invalid, TooLarge or UnsupportedFile where nothing can be taken: an unreadable file,
    an unknown layout, or a bad row in mode `atomic`.
    """
    lock = int.from_bytes(upload.dataset_id.bytes[:8], "big", signed=True)
    session.execute(select(func.pg_advisory_xact_lock(lock)))  # one file of a dataset at a time
    connection = raw_connection(session)
    with files.open(files.upload_key(upload.sha256)) as file:
        rows = read_rows(file, upload.size, settings.max_line_bytes, upload.on_nul)
        layout, rows = recognised(rows, upload.layout)
        taker = Taker(upload, layout)
        for done, row in enumerate(rows, 1):
            taker.take(row)
            if done % CHUNK == 0:
                if not taker.refused:
                    taker.chunk.copy_into(connection)
                progress(done)
        if taker.refused:
            raise Invalid(
                f"{taker.rejected} of {taker.rows_in} rows are wrong, and the mode is atomic",
                code="rejected_rows",
                errors=taker.errors,
                rejected=taker.rejected,
                rows_in=taker.rows_in,
            )
        taker.chunk.copy_into(connection)
    progress(taker.rows_in)
    upload.layout = layout.name if layout else None
    upload.rows_in, upload.rejected = taker.rows_in, taker.rejected
    upload.accepted, upload.pairs = taker.rows_in - taker.rejected, taker.pairs
    upload.state = UploadState.ingested


def recognised(rows: Iterator[Row], asked: str | None) -> tuple[Format | None, Iterator[Row]]:
    """The layout asked for, or the first rows' own; None where no row could be read."""
    if asked:
        if asked not in FORMATS:
            raise Invalid(
                f"no layout {asked!r}; known: {', '.join(FORMATS)}", code="unknown_layout"
            )
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
    """Turns rows into table rows and counts them."""

    def __init__(self, upload: Upload, layout: Format | None) -> None:
        self.upload, self.layout = upload, layout
        self.chunk = Chunk(upload.dataset_id)
        self.atomic = upload.mode == "atomic"
        self.rows_in = self.rejected = self.pairs = 0
        self.errors: list[dict[str, Any]] = []

    @property
    def refused(self) -> bool:
        return self.atomic and self.rejected > 0

    def take(self, row: Row) -> None:
        """Add the row's table rows to the chunk, or its reject."""
        self.rows_in += 1
        value = row.value
        if not isinstance(value, RowError):
            assert self.layout is not None  # a row was readable, so a layout was recognised
            try:
                self.add(self.layout.read(value), row.line)
            except RowError as error:
                value = error
        if isinstance(value, RowError):
            self.reject(row, value)

    def reject(self, row: Row, error: RowError) -> None:
        self.rejected += 1
        if len(self.errors) < MAX_ERRORS:
            named = {"line": row.line, "field": error.field, "code": error.code}
            self.errors.append({**named, "message": error.message})
        if not self.atomic:
            self.chunk.rows["rejects"].append(
                (self.upload.id, row.line, error.code, error.field, error.message,
                 row.raw[:MAX_RAW])
            )  # fmt: skip

    def add(self, record: Record, line: int) -> None:
        """The record's items, labels and pairs."""
        if self.refused:
            return
        decisions = decide(record)
        if len(decisions) > MAX_PAIRS:
            detail = f"{len(decisions)} pairs in one row, more than {MAX_PAIRS}"
            raise RowError("too_many_pairs", detail, "comparisons")
        dataset = self.upload.dataset_id
        messages = identity.canonical(record.messages)
        prompt = identity.content_id(b"prompt", messages)
        self.chunk.shared["prompts"][prompt] = (dataset, prompt, record.modality, jsonb(messages))
        ids, contents = self.add_responses(record, prompt)
        named = [
            {"id": response.id, "response_id": str(ids[response.id]), "scores": response.scores}
            for response in record.responses
        ]
        self.chunk.rows["records"].append(
            (
                self.upload.id, line, dataset, prompt, record.record_id,
                jsonb(identity.canonical(named)) if record.named else None,
                jsonb(identity.canonical(record.gold)) if record.gold else None,
                jsonb(identity.canonical(record.extra)) if record.extra else None,
            )
        )  # fmt: skip
        self.add_labels(record, line, ids)
        for ordinal, decision in enumerate(decisions):
            chosen, rejected = ids[decision.chosen], ids[decision.rejected]
            content = identity.pair_content_id(
                prompt, contents[decision.chosen], contents[decision.rejected]
            )
            self.chunk.rows["pairs"].append(
                (
                    dataset,
                    identity.pair_id(
                        self.upload.sha256, line, ordinal, chosen.bytes, rejected.bytes
                    ),
                    position(self.upload.ordinal, line, ordinal),
                    prompt, chosen, rejected, content, self.upload.id, line,
                    decision.votes, decision.agreement,
                )
            )  # fmt: skip
            self.pairs += 1

    def add_responses(
        self, record: Record, prompt: uuid.UUID
    ) -> tuple[dict[str, uuid.UUID], dict[str, bytes]]:
        """Response ids and hashed contents, by the record's own names."""
        ids: dict[str, uuid.UUID] = {}
        contents: dict[str, bytes] = {}
        twins: Counter[bytes] = Counter()
        for response in record.responses:
            content = content_bytes(response)
            key = content + (response.model or "").encode()
            id = identity.response_id(prompt, content, response.model, twins[key])
            twins[key] += 1
            turns = None if response.messages is None else identity.canonical(response.messages)
            self.chunk.shared["responses"][id] = (
                self.upload.dataset_id, id, prompt, response.text, jsonb(turns), response.uri,
                response.model,
            )  # fmt: skip
            ids[response.id], contents[response.id] = id, content
        return ids, contents

    def add_labels(self, record: Record, line: int, ids: dict[str, uuid.UUID]) -> None:
        rows = self.chunk.rows
        for ordinal, label in enumerate(record.comparisons):
            rows["comparisons"].append(
                (*self.provenance(label, line, ordinal), ids[label.a], ids[label.b],
                 Outcome(label.outcome).value, label.strength, label.shown)
            )  # fmt: skip
        for ordinal, label in enumerate(record.ratings):
            response = None if label.response is None else ids[label.response]
            rows["ratings"].append(
                (*self.provenance(label, line, ordinal), response, label.turn, label.value,
                 *(label.scale or (None, None)))
            )  # fmt: skip
        for ordinal, label in enumerate(record.rankings):
            tiers = [[str(ids[id]) for id in tier] for tier in label.tiers]
            rows["rankings"].append(
                (*self.provenance(label, line, ordinal), jsonb(identity.canonical(tiers)))
            )
        for ordinal, label in enumerate(record.feedback):
            rows["feedback"].append(
                (*self.provenance(label, line, ordinal), label.turn, label.kind, label.label,
                 label.text)
            )  # fmt: skip

    def provenance(self, label: Label, line: int, ordinal: int) -> tuple[Any, ...]:
        dataset, who = self.upload.dataset_id, None
        if label.annotator is not None:
            name, kind = label.annotator
            who = identity.annotator_id(kind, name)
            self.chunk.shared["annotators"][who] = (dataset, who, name, kind)
        return self.upload.id, line, ordinal, dataset, who, label.aspect, label.rationale


def content_bytes(response: Response) -> bytes:
    """16 bytes that say what the response says; long texts are hashed once."""
    plain = response.text is not None and response.messages is None and response.uri is None
    said = (
        b"text" + response.text.encode()
        if plain and response.text is not None
        else b"json" + identity.canonical(response.content())
    )
    return hashlib.blake2b(said, digest_size=16).digest()
