"""Takes a group of near-duplicates apart for good, and puts it together again."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from curation.grouping.duplicates import Unit
from service.duplicates.stored import Member
from service.errors import Conflict, NotFound
from service.ingest.store import try_reading
from service.tables.datasets import Dataset
from service.tables.duplicates import UndoneGroup

# A withdrawn upload's pairs are not there either: erasing anything forgets what was undone of them.
GONE = """
UPDATE undone_groups u SET members = coalesce((
    SELECT jsonb_agg(m.id ORDER BY m.id) FROM jsonb_array_elements_text(u.members) m(id)
    WHERE EXISTS (SELECT FROM {items} i WHERE i.dataset_id = u.dataset_id AND i.id = m.id::uuid)
), '[]')
WHERE u.dataset_id = :dataset AND (u.unit = 'prompt') = :prompts
"""


def hold_undoing(session: Session, dataset_id: uuid.UUID) -> None:
    """Nobody else undoes a group of the dataset until this transaction ends, so that one group is
    undone once, and no pair of it leaves meanwhile. Raises Conflict where pairs come or go."""
    if not try_reading(session, dataset_id):
        detail = "an upload, a pair build or an erasure is being written: try again when it is done"
        raise Conflict(detail, code="dataset_busy")
    own = select(Dataset.id).where(Dataset.id == dataset_id)
    session.execute(own.with_for_update(key_share=True))


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


def forget_members(session: Session, dataset_id: uuid.UUID) -> None:
    """Ids of what is no longer in the dataset: an id is a hash of what a prompt or pair says."""
    for items, prompts in (("prompts", True), ("pairs", False)):
        gone = text(GONE.format(items=items))
        session.execute(gone, {"dataset": dataset_id, "prompts": prompts})
    empty = text("DELETE FROM undone_groups WHERE dataset_id = :dataset AND members = '[]'")
    session.execute(empty, {"dataset": dataset_id})
