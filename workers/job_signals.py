"""The signals of a job, which its shards name: a specification may have a megabyte of texts."""

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from curation.recipes import Recipe
from curation.signals import Signal, parse_signal
from service.tables.jobs import Job, JobKind
from service.tables.scores import SignalRow
from service.tables.subsets import Subset
from workers.handler import Work


def signals_of(session: Session, job: Job) -> list[Signal]:
    """Of a score job those that it was asked for, in full or by their identity in the dataset, of a
    select job its recipe's."""
    if job.kind == JobKind.select:
        subset = session.get_one(Subset, uuid.UUID(job.spec["subset_id"]))
        return [*Recipe.model_validate(subset.recipe).signals.values()]
    asked: list[dict[str, Any] | str] = job.spec["signals"]
    return [parse_signal(stored(session, job, s) if isinstance(s, str) else s) for s in asked]


def stored(session: Session, job: Job, identity: str) -> dict[str, Any]:
    own = (SignalRow.dataset_id == job.dataset_id, SignalRow.identity == identity)
    return session.scalars(select(SignalRow.spec).where(*own)).one()


def signal_of(work: Work) -> Signal:
    """The one that the shard is about, with the job's own say on where to compute it."""
    named = work.payload["signal"]
    if isinstance(named, dict):  # planned by a version before, which copied the specification
        return parse_signal(named)
    found = signals_of(work.session, work.job)
    return next(signal for signal in found if signal.identity() == named)
