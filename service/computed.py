"""Scores of a signal on all of a dataset: those that are there, or the job that makes them."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from curation.signals import Signal
from service.cells import items_sha256, newest_fit
from service.columns import Generation, item_ids
from service.labels.facts import load_facts, stamped
from service.media import unread_by
from service.queue import ACTIVE_STATES, enqueue
from service.tables.datasets import Dataset
from service.tables.jobs import Job, JobKind
from service.tables.scores import FitRow, SignalRow

STAGES = ["embed", "score", "fit"]


class Computed:
    """The newest cells of a signal; `fit` is None where it needs none."""

    def __init__(self, row: SignalRow, fit: FitRow | None) -> None:
        self.row, self.fit = row, fit

    def cells(self, output: str) -> Generation:
        return Generation(self.row.id, self.fit.id if self.fit else None, output)


def computed(session: Session, dataset: Dataset, signal: Signal) -> Computed | Job:
    """The scores, where every pair (or prompt) has one of a fit that saw them all; else the job
    that computes them, a running one where there is one."""
    row = session.scalar(
        select(SignalRow).where(
            SignalRow.dataset_id == dataset.id, SignalRow.identity == signal.identity()
        )
    )
    fit = newest_fit(session, row.id) if row else None
    if row is not None and not outdated(session, dataset.id, signal, row, fit):
        return Computed(row, fit)
    spec = {"signals": [signal.model_dump(mode="json")], "refit": True}
    same = select(Job).where(
        Job.dataset_id == dataset.id, Job.kind == JobKind.score, Job.spec == spec,
        Job.state.in_(ACTIVE_STATES),
    )  # fmt: skip
    job = session.scalars(same).first()
    if job is None:
        job = Job(
            workspace_id=dataset.workspace_id, dataset_id=dataset.id, kind=JobKind.score,
            spec=spec, stages=STAGES,
        )  # fmt: skip
        enqueue(session, job)
    return job


def outdated(
    session: Session, dataset_id: uuid.UUID, signal: Signal, row: SignalRow, fit: FitRow | None
) -> bool:
    cells = Generation(row.id, fit.id if fit else None, signal.outputs[0].name)
    if item_ids(session, dataset_id, signal.level, without=cells):
        return True
    if fit is None:
        return False
    media = unread_by(session, dataset_id, signal)
    ids = [id for id in item_ids(session, dataset_id, signal.level) if id not in media]
    facts = load_facts(session, dataset_id, ids, signal.facts)
    return fit.items_sha256 != items_sha256(stamped(ids, facts))
