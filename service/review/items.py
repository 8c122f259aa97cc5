"""Pairs under review as people read them: texts, every label so far, and what is known."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from curation.audit.questions import BOTH_BAD
from curation.consensus.votes import TIE, A
from curation.review.queue import queue
from service.audit.judgments import judgments
from service.audit.table import LABELS
from service.formats.record import Record as Said
from service.ingest.identity import prompt_id
from service.labels.records import by_id, read_batch
from service.review.current import Review
from service.review.places import response_ids
from service.review.reasons import why
from service.review.verdicts import Answer, in_force, placed
from service.tables.datasets import Upload, UploadState
from service.tables.items import Prompt, Record, Response
from service.tables.pairs import POSITION_ORDINAL_BITS, Pair, position
from service.tables.reviews import Verdict

TURNED = {0: 1, 1: 0}
NEAR = 200  # lines between records that are read together


def waiting(session: Session, review: Review) -> NDArray[np.int64]:
    """Rows in the order of the queue; those of withdrawn uploads wait for their return."""
    state, worth = review.state, review.now.information.copy()
    gone = select(Upload.id).where(
        Upload.dataset_id == review.audit.dataset_id, Upload.state != UploadState.ingested
    )
    for upload_id in session.scalars(gone):
        worth[(state.uploads == np.frombuffer(upload_id.bytes, np.uint8)).all(axis=1)] = 0
    return queue(worth, range(len(state)))


def row_of(session: Session, review: Review, id: uuid.UUID) -> int | None:
    """By the id that the queue gives, or by that of a pair of the dataset."""
    state, dataset_id = review.state, review.audit.dataset_id
    if (row := state.ids.get(id)) is not None:
        return row
    pair = session.get(Pair, (dataset_id, id))
    if pair is None:
        return None
    found = state.find(pair.upload_id, pair.line, pair.prompt_id, pair.chosen_id, pair.rejected_id)
    return None if found is None else found[0]


def items(session: Session, review: Review, rows: Sequence[int]) -> list[dict[str, Any]]:
    """In their order."""
    state, dataset_id, now = review.state, review.audit.dataset_id, review.now
    prompts = by_id(session, Prompt, dataset_id, ids_of(state.prompts, rows))
    wanted = ids_of(state.a, rows) | ids_of(state.b, rows)
    responses = by_id(session, Response, dataset_id, wanted)
    uploads = by_id_of_upload(session, ids_of(state.uploads, rows))
    pairs = pair_ids(session, review, rows, uploads)
    spoken = verdicts_on(review)
    given = labels_of(session, review, rows, uploads)
    found: list[dict[str, Any]] = []
    for row in rows:
        upload = uploads[uuid.UUID(bytes=state.uploads[row].tobytes())]
        label, p_a = int(state.questions.labels[row]), float(now.posterior.p_a[row])
        p_correct = None if label in (TIE, BOTH_BAD) else (p_a if label == A else 1 - p_a)
        against = [name for name in str(state.witnesses[row]).split(",") if name]
        worth = float(now.information[row])
        found.append(
            {
                "id": state.id(row),
                "pair_id": pairs.get(row),
                "source": {"upload_id": upload.id, "line": int(state.lines[row])},
                "prompt": prompts[uuid.UUID(bytes=state.prompts[row].tobytes())].messages,
                "a": responses[uuid.UUID(bytes=state.a[row].tobytes())],
                "b": responses[uuid.UUID(bytes=state.b[row].tobytes())],
                "label": LABELS[label],
                "labels": given[row],
                "p_a_better": p_a,
                "p_correct": p_correct,
                "action": str(state.actions[row]),
                "witnesses": against,
                "information": None if np.isnan(worth) else worth,
                "why": why(p_a, p_correct, against, len(given[row])),
                "verdicts": spoken.get(row, []),
            }
        )
    return found


def ids_of(column: NDArray[np.uint8], rows: Sequence[int]) -> set[uuid.UUID]:
    return {uuid.UUID(bytes=column[row].tobytes()) for row in rows}


def by_id_of_upload(session: Session, ids: set[uuid.UUID]) -> dict[uuid.UUID, Upload]:
    return {each.id: each for each in session.scalars(select(Upload).where(Upload.id.in_(ids)))}


def pair_ids(
    session: Session, review: Review, rows: Sequence[int], uploads: dict[uuid.UUID, Upload]
) -> dict[int, uuid.UUID]:
    """The dataset's pair of each row whose line decided one."""
    keys = {review.state.key(row): row for row in rows}
    if not rows:
        return {}
    starts = [
        position(uploads[uuid.UUID(bytes=upload)].ordinal, line, 0) for upload, line, _, _ in keys
    ]
    near = (Pair.position.between(at, at + (1 << POSITION_ORDINAL_BITS) - 1) for at in starts)
    query = select(Pair).where(Pair.dataset_id == review.audit.dataset_id, or_(*near))
    found: dict[int, uuid.UUID] = {}
    for pair in session.scalars(query):
        low, high = sorted((pair.chosen_id.bytes, pair.rejected_id.bytes))
        row = keys.get((pair.upload_id.bytes, pair.line, low, high))
        if row is not None:
            found.setdefault(row, pair.id)
    return found


def labels_of(
    session: Session, review: Review, rows: Sequence[int], uploads: dict[uuid.UUID, Upload]
) -> dict[int, list[dict[str, Any]]]:
    """Every judgment that the line of each row holds of its two responses, about a and b as the
    audit names them."""
    state, found = review.state, {row: list[dict[str, Any]]() for row in rows}
    by_upload: dict[uuid.UUID, list[int]] = defaultdict(list)
    for row in rows:
        by_upload[uuid.UUID(bytes=state.uploads[row].tobytes())].append(row)
    for upload_id, of_upload in by_upload.items():
        at: dict[tuple[int, bytes], list[int]] = defaultdict(list)
        for row in of_upload:
            at[int(state.lines[row]), state.prompts[row].tobytes()].append(row)
        for line, record in records_of(session, uploads[upload_id], {line for line, _ in at}):
            prompt = prompt_id(record.messages)
            for row in at.get((line, prompt), ()):
                found[row] += judged(record, prompt, state.a[row].tobytes(), state.b[row].tobytes())
    return found


def records_of(session: Session, upload: Upload, lines: set[int]) -> Iterator[tuple[int, Said]]:
    """What these lines hold; those that lie near each other are read together."""
    query = select(Record).where(Record.upload_id == upload.id, Record.line.in_(lines))
    near: list[Record] = []
    for row in [*session.scalars(query.order_by(Record.line, Record.part)), None]:
        if near and (row is None or row.line - near[-1].line > NEAR):
            yield from zip(
                (each.line for each in near), read_batch(session, upload, near), strict=True
            )
            near = []
        if row is not None:
            near.append(row)


def judged(record: Said, prompt: bytes, a: bytes, b: bytes) -> Iterator[dict[str, Any]]:
    ids = response_ids(record, prompt)
    for (one, other), judgment in judgments(record):
        named = (ids[one], ids[other])
        if named in ((a, b), (b, a)):
            said = judgment.said if named == (a, b) else TURNED.get(judgment.said, judgment.said)
            name, kind = judgment.voter
            yield {"annotator": name, "kind": kind, "says": LABELS[said]}


def verdicts_on(review: Review) -> dict[int, list[dict[str, Any]]]:
    """The verdicts in force by row, about a and b as the audit names them."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for verdict in in_force(review.verdicts):
        if (place := placed(review.state, verdict)) is not None:
            found[place[0]].append(shown(verdict, place[1]))
    return found


def shown(verdict: Verdict, said: Answer) -> dict[str, Any]:
    return {
        "version": verdict.version,
        "verdict": said,
        "author": verdict.author,
        "reason": verdict.reason,
        "created_at": verdict.created_at,
    }
