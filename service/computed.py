"""Scores of a signal on all of a dataset: those that are there, or the job that makes them."""

import uuid

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from curation.signals import Signal
from service.cells import items_sha256, newest_fit
from service.columns import Generation, item_ids
from service.labels.facts import load_facts, stamped
from service.media import unread_by
from service.queue import only_job
from service.tables.datasets import Dataset
from service.tables.jobs import Job, JobKind
from service.tables.scores import FitRow, SignalRow

STAGES = ["embed", "score", "fit"]
# Everything that pairs and the facts of them come from and go with.
CONTENT = text("""
SELECT md5(concat_ws(';',
    (SELECT string_agg(concat_ws(',', id, state, pairs), ';' ORDER BY id)
     FROM uploads WHERE dataset_id = :dataset),
    (SELECT string_agg(concat_ws(',', id, state), ';' ORDER BY id)
     FROM erasures WHERE dataset_id = :dataset),
    (SELECT string_agg(concat_ws(',', id, state), ';' ORDER BY id)
     FROM pair_builds WHERE dataset_id = :dataset),
    (SELECT string_agg(concat_ws(',', id, redone_at), ';' ORDER BY id)
     FROM undone_groups WHERE dataset_id = :dataset),
    (SELECT min(position) FROM pairs WHERE dataset_id = :dataset),
    (SELECT max(position) FROM pairs WHERE dataset_id = :dataset)
))
""")


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
    if row is not None and is_current(session, dataset, signal, row, fit):
        return Computed(row, fit)
    return recomputing(session, dataset, signal)


def recomputing(session: Session, dataset: Dataset, signal: Signal) -> Job:
    """The job that makes what is missing of a signal's scores and of the vectors it reads."""
    spec = {"signals": [signal.model_dump(mode="json")], "refit": True}
    return only_job(session, dataset, JobKind.score, spec, STAGES)


def is_current(
    session: Session, dataset: Dataset, signal: Signal, row: SignalRow, fit: FitRow | None
) -> bool:
    """All items are looked at only where the dataset has changed since that was last done."""
    now = session.scalar(CONTENT, {"dataset": dataset.id})
    if fit is not None and fit.current_at == now:
        return True
    if outdated(session, dataset.id, signal, row, fit):
        return False
    if fit is not None:  # unless a job has replaced it meanwhile
        session.execute(update(FitRow).where(FitRow.id == fit.id).values(current_at=now))
    return True


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
