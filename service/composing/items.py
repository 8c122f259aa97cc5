"""Writes what became of the pairs of a pool, by COPY; also of one shard of a pool."""

import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from curation.items import Pairs
from service.columns import raw
from service.composing.choosing import Chosen
from service.export.everything import OUTSIDE
from service.tables.pairs import Pair
from service.tables.subsets import Subset, SubsetItem

PUT_FORWARD = "put_forward"  # by a shard, for the last stage to choose from

INCOMING = """
CREATE TEMP TABLE IF NOT EXISTS incoming_items
    (pair_id uuid, rank int8, importance float8, reason text, share float8) ON COMMIT DELETE ROWS
"""
COPY_ITEMS = "COPY incoming_items FROM STDIN (FORMAT binary)"
INSERT_ITEMS = """
INSERT INTO subset_items (subset_id, pair_id, position, rank, importance, reason, share)
SELECT %s, pair_id, p.position, rank, importance, reason, share
FROM incoming_items JOIN pairs p ON p.dataset_id = %s AND p.id = pair_id
"""


class Counts(NamedTuple):
    """Of all pairs of a pool."""

    pairs: int
    reasons: Mapping[str, int]
    prompts: int
    prompts_kept: int


def write_items(
    session: Session,
    subset: Subset,
    pairs: Pairs,
    chosen: Chosen,
    outside: Sequence[str] = (),
    *,
    forward: bool = False,
) -> None:
    """Every pair with its rank or its reason; `outside` are ids that the filter drops; `forward`:
    the kept are candidates, without rank."""
    selection, share = chosen.selection, chosen.share
    ranks = {row: rank for rank, row in enumerate(selection.order.tolist(), start=1)}
    importance: list[float] = np.asarray(selection.importance, np.float64).tolist()
    with raw(session).cursor() as cursor:
        cursor.execute(INCOMING)
        cursor.execute("TRUNCATE incoming_items")
        with cursor.copy(COPY_ITEMS) as copy:
            copy.set_types(["uuid", "int8", "float8", "text", "float8"])
            for row, (name, reason) in enumerate(zip(pairs.ids, selection.reasons, strict=True)):
                value = importance[row] if np.isfinite(importance[row]) else None
                often = None if share is None else float(share[row])
                rank = None if forward else ranks.get(row)
                said = PUT_FORWARD if forward and row in ranks else reason
                copy.write_row((uuid.UUID(name), rank, value, said, often))
            for name in outside:
                copy.write_row((uuid.UUID(name), None, None, OUTSIDE, None))
        cursor.execute(INSERT_ITEMS, (subset.id, subset.dataset_id))


def forget(session: Session, subset: Subset, *, candidates: bool) -> None:
    """Delete the items, or only those that shards put forward."""
    gone = delete(SubsetItem).where(SubsetItem.subset_id == subset.id)
    if candidates:
        gone = gone.where(SubsetItem.reason == PUT_FORWARD)
    session.execute(gone)


def in_two_stages(session: Session, subset: Subset) -> bool:
    """Whether shards have selected before: only then are there items of a pending subset."""
    here = exists().where(SubsetItem.subset_id == subset.id)
    return subset.state == "pending" and bool(session.scalar(select(here)))


def count(session: Session, subset: Subset) -> Counts:
    """Of the items as they are; prompts are those of the pairs that the filter keeps."""
    own = SubsetItem.subset_id == subset.id
    by_reason = select(SubsetItem.reason, func.count()).where(own).group_by(SubsetItem.reason)
    reasons = dict(sorted((reason, many) for reason, many in session.execute(by_reason)))
    prompts = select(
        func.count(Pair.prompt_id.distinct()),
        func.count(Pair.prompt_id.distinct()).filter(SubsetItem.rank.is_not(None)),
    ).select_from(SubsetItem)
    of = (Pair.dataset_id == subset.dataset_id) & (Pair.id == SubsetItem.pair_id)
    seen, kept = session.execute(
        prompts.join(Pair, of).where(own, SubsetItem.reason != OUTSIDE)
    ).one()
    return Counts(sum(reasons.values()), reasons, seen, kept)
