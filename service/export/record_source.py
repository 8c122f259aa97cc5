"""The records that leave with a subset: those that hold its pairs, or all of the dataset."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import exists, or_, select, tuple_
from sqlalchemy.orm import Session

from service.export import everything, source
from service.export.layout import TrainingRecord
from service.formats import record as said
from service.labels.records import BATCH, Key, read_batch
from service.tables.datasets import Dataset, Upload
from service.tables.items import Record
from service.tables.pairs import Pair
from service.tables.subsets import Subset, SubsetItem


def holds_a_kept_pair(subset: Subset) -> Any:
    """A pair that a line decided is held by that line's record; one that a policy built, by every
    record of its prompt: their labels are what it was built from."""
    own_line = (Pair.upload_id == Record.upload_id) & (Pair.line == Record.line)
    return exists().where(
        Pair.dataset_id == subset.dataset_id,
        Pair.prompt_id == Record.prompt_id,
        or_(Pair.build_id.is_not(None), own_line),
        SubsetItem.subset_id == subset.id,
        SubsetItem.pair_id == Pair.id,
        SubsetItem.rank.is_not(None),
    )


def rows_after(
    session: Session, subset: Subset, upload_id: uuid.UUID, after: Key
) -> Sequence[Record]:
    query = (
        select(Record)
        .where(Record.upload_id == upload_id, tuple_(Record.line, Record.part) > after)
        .order_by(Record.line, Record.part)
        .limit(BATCH)
    )
    if not everything.is_everything(subset):
        query = query.where(holds_a_kept_pair(subset))
    return session.scalars(query).all()


def records(
    session: Session, subset: Subset, relabel: Callable[[Upload, int, said.Record], said.Record]
) -> Iterator[TrainingRecord]:
    """In the order of uploads, lines and parts, a batch at a time, each as `relabel` gives it."""
    license = session.get_one(Dataset, subset.dataset_id).license
    for upload in source.uploads(session, subset.dataset_id):
        after: Key = (-1, -1)
        while rows := rows_after(session, subset, upload.id, after):
            for row, record in zip(rows, read_batch(session, upload, rows), strict=True):
                origin = origin_of(subset, upload, row, license)
                told = relabel(upload, row.line, record)
                yield TrainingRecord(told, origin["prompt_id"], origin)
            after = (rows[-1].line, rows[-1].part)


def origin_of(subset: Subset, upload: Upload, row: Record, license: str | None) -> dict[str, Any]:
    return {
        "record_id": row.record_id,
        "prompt_id": str(row.prompt_id),
        "source": source.source(upload.sha256, row.line),
        "license": license,
        "recipe_id": subset.recipe["id"],
        "recipe_sha": subset.recipe_sha256,
    }


def prompts(session: Session, subset: Subset) -> dict[str, int]:
    """How many of the records each prompt has."""
    counts: dict[str, int] = {}
    for upload in source.uploads(session, subset.dataset_id):
        query = select(Record.prompt_id).where(Record.upload_id == upload.id)
        if not everything.is_everything(subset):
            query = query.where(holds_a_kept_pair(subset))
        for prompt_id in session.scalars(query.execution_options(yield_per=BATCH)):
            counts[str(prompt_id)] = counts.get(str(prompt_id), 0) + 1
    return counts
