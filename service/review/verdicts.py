"""Verdicts in the database: appended, undone, read as an overlay over an audit's pairs."""

import uuid
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from curation.consensus.votes import TIE, A, B
from curation.review.verdicts import Entry, Overlay
from curation.review.verdicts import Verdict as Said
from service.errors import Conflict
from service.review.state import State
from service.tables.reviews import Verdict

Answer: TypeAlias = Literal["a", "b", "tie", "both_bad"]
CODES = {"a": A, "b": B, "tie": TIE, "both_bad": TIE}


def hold_verdicts(session: Session, dataset_id: uuid.UUID) -> None:
    """One verdict at a time; an ingest, which takes long, is not waited for."""
    lock = int.from_bytes(dataset_id.bytes[8:], "big", signed=True)
    session.execute(select(func.pg_advisory_xact_lock(lock)))


def newest(session: Session, dataset_id: uuid.UUID) -> int:
    """The version that the verdicts are at; 0 without any."""
    query = select(func.max(Verdict.version)).where(Verdict.dataset_id == dataset_id)
    return session.scalar(query) or 0


def append(session: Session, dataset_id: uuid.UUID, **said: Any) -> Verdict:
    """With the next version. The caller holds the verdicts."""
    version = newest(session, dataset_id) + 1
    added = Verdict(dataset_id=dataset_id, version=version, **said)
    session.add(added)
    session.flush()
    session.refresh(added)
    return added


def undo(
    session: Session, dataset_id: uuid.UUID, version: int, author: str, reason: str | None
) -> Verdict:
    """Takes one verdict back, not necessarily the last. Raises Conflict where none stands."""
    hold_verdicts(session, dataset_id)
    if version not in {each.version for each in in_force(history(session, dataset_id))}:
        detail = f"no verdict of version {version} is in force"
        raise Conflict(detail, code="not_in_force", version=version)
    return append(session, dataset_id, undoes=version, author=author, reason=reason)


def history(session: Session, dataset_id: uuid.UUID, until: int | None = None) -> Sequence[Verdict]:
    query = select(Verdict).where(Verdict.dataset_id == dataset_id).order_by(Verdict.version)
    if until is not None:
        query = query.where(Verdict.version <= until)
    return session.scalars(query).all()


def in_force(rows: Sequence[Verdict]) -> list[Verdict]:
    """Neither undone nor erased."""
    undone = {row.undoes for row in rows}
    return [row for row in rows if row.said and not row.erased and row.version not in undone]


def placed(state: State, row: Verdict) -> tuple[int, Answer] | None:
    """The audit's pair that a verdict is about and what it says of it; None where the audit has
    no such pair."""
    upload, line, prompt, a, b = row.upload_id, row.line, row.prompt_id, row.a, row.b
    if upload is None or line is None or prompt is None or a is None or b is None:
        return None  # it takes another back
    found = state.find(upload, line, prompt, a, b)
    if found is None:
        return None
    item, turned = found
    answers: dict[str, Answer] = {"a": "a", "b": "b", "tie": "tie", "both_bad": "both_bad"}
    if turned:
        answers |= {"a": "b", "b": "a"}
    return item, answers[row.said or ""]


def overlay_of(state: State, rows: Sequence[Verdict]) -> Overlay:
    """The verdicts in force, as entries of an overlay over the audit's pairs."""
    entries: list[Entry] = []
    for row in in_force(rows):
        if (found := placed(state, row)) is not None:
            item, said = found
            entries.append(Entry(row.version, Said(item, CODES[said], row.author or "")))
    return Overlay(tuple(entries))
