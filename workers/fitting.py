"""The fit stage: a whole-dataset signal learns from all rows, or scores new rows by its fit."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from sqlalchemy.orm import Session

from curation.items import Pairs
from curation.signals import Signal
from service.cells import (
    items_sha256,
    load_fit,
    newest_fit,
    signal_row,
    store_fit,
    write_scores,
)
from service.columns import Generation, item_ids, load_items
from service.composing.learning import LearningPool, pool_of_job
from service.labels.facts import load_facts, stamped, with_facts
from service.media import texts_of, unread_by, unsupported
from service.tables.jobs import Job
from service.tables.scores import FitRow
from workers import embedding
from workers.handler import ShardPlan, Work
from workers.job_signals import signal_of

Pool: TypeAlias = LearningPool | None


def plan(session: Session, job: Job, signals: Sequence[Signal], *, refit: bool) -> list[ShardPlan]:
    """One shard a signal, where it has no fit, a row has no cell, or a refit is asked for.

    A fit of a pool is of exactly its items, so that it is what the same pairs alone would give.
    """
    assert job.dataset_id is not None
    plans: list[ShardPlan] = []
    pool = pool_of_job(session, job) if signals else None
    for signal in signals:
        row = signal_row(session, job.dataset_id, signal)
        fit = newest_fit(session, row.id, pool and pool.key)
        missing = missing_items(session, job, signal, row.id, fit, pool)
        exact = pool is not None or bool(signal.facts)
        again = refit or (fit is not None and exact and stale(session, job, signal, fit, pool))
        if missing or again:
            payload = {"signal": signal.identity(), "signal_id": row.id, "refit": bool(again)}
            plans.append(ShardPlan(payload, len(missing), embedding.queue_of(signal)))
    return plans


def missing_items(
    session: Session, job: Job, signal: Signal, signal_id: int, fit: FitRow | None, pool: Pool
) -> list[str]:
    """Items without a cell of the fit."""
    assert job.dataset_id is not None
    cells = Generation(signal_id, fit.id if fit else None, signal.outputs[0].name)
    missing = item_ids(session, job.dataset_id, signal.level, without=cells)
    if pool is None:
        return missing
    inside = {*pool.item_ids(session, signal.level)}
    return [name for name in missing if name in inside]


def stale(session: Session, job: Job, signal: Signal, fit: FitRow, pool: Pool) -> bool:
    """Whether the labels say other facts than those that the fit was made from."""
    assert job.dataset_id is not None
    media = unread_by(session, job.dataset_id, signal)
    level = signal.level
    items = pool.item_ids(session, level) if pool else item_ids(session, job.dataset_id, level)
    ids = [id for id in items if id not in media]
    facts = load_facts(session, job.dataset_id, ids, signal.facts)
    return fit.items_sha256 != items_sha256(stamped(ids, facts))


def run(work: Work) -> None:
    """A fit that is there scores the rows that it has not seen, and they are marked so.

    Pairs of images are no part of it. Without any text there is no fit.
    """
    session, job = work.session, work.job
    assert job.dataset_id is not None
    signal, signal_id = signal_of(work), int(work.payload["signal_id"])
    pool = pool_of_job(session, job)
    level = signal.level
    items = pool.load_items(session, level) if pool else load_items(session, job.dataset_id, level)
    unread = unread_by(session, job.dataset_id, signal)
    media = sorted(unread.intersection(items.ids))
    if isinstance(items, Pairs):
        items = texts_of(items, frozenset(media))
        items = with_facts(session, job.dataset_id, items, signal.facts)
    facts = items.facts if isinstance(items, Pairs) else {}
    made_from = stamped(items.ids, facts)
    items = embedding.embedded(session, job, signal, items)
    row = newest_fit(session, signal_id, pool and pool.key)
    if media and row is None and not len(items):
        write_scores(session, signal_id, None, media, unsupported(signal, len(media)))
        return
    new = row is None or (work.payload["refit"] and row.items_sha256 != items_sha256(made_from))
    if new:
        fit = signal.fit(items)
        row = store_fit(session, signal_id, made_from, fit, pool and pool.key)
    else:
        assert row is not None
        fit = load_fit(row)
        missing = {*missing_items(session, job, signal, signal_id, row, pool)}
        items = items.take(np.flatnonzero([name in missing for name in items.ids]))
    work.report(0)
    if len(items):
        scores = signal.score(items, fit)
        write_scores(session, signal_id, row.id, items.ids, scores, unseen=not new)
    write_scores(session, signal_id, row.id, media, unsupported(signal, len(media)))
