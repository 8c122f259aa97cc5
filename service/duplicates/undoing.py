"""Takes a group of near-duplicates apart for good, and puts it together again."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from curation.grouping.duplicates import Unit
from service.duplicates.stored import Member
from service.errors import Conflict, NotFound
from service.tables.duplicates import UndoneGroup


def undo(
    session: Session,
    dataset_id: uuid.UUID,
    signal: dict[str, Any],
    number: int,
    members: Sequence[Member],
    author: str | None,
) -> UndoneGroup:
    """From the next fit on the group's members stand alone, in every grouping of its unit."""
    unit = Unit(signal["unit"])
    ids = {each.prompt_id if unit == Unit.prompt else each.pair_id for each in members}
    made = UndoneGroup(
        dataset_id=dataset_id, unit=unit.value, number=number, signal=signal, undone_by=author,
        members=sorted(ids),
    )  # fmt: skip
    session.add(made)
    session.flush()
    session.refresh(made)
    return made


def redo(session: Session, dataset_id: uuid.UUID, id: uuid.UUID, author: str | None) -> UndoneGroup:
    """Its members are compared again like all others. Raises NotFound, Conflict."""
    own = select(UndoneGroup).where(UndoneGroup.dataset_id == dataset_id, UndoneGroup.id == id)
    found = session.scalar(own.with_for_update())
    if found is None:
        raise NotFound(f"no group was undone as {id} in this dataset")
    if found.redone_at is not None:
        raise Conflict(f"{id} is redone already", code="already_redone")
    found.redone_by, found.redone_at = author, func.now()
    session.flush()
    session.refresh(found)
    return found


def forget_author(session: Session, dataset_id: uuid.UUID, author: str) -> None:
    """Who is erased from the dataset is not named by what they undid or redid; that stays."""
    for name in (UndoneGroup.undone_by, UndoneGroup.redone_by):
        own = update(UndoneGroup).where(UndoneGroup.dataset_id == dataset_id, name == author)
        session.execute(own.values({name: None}))
