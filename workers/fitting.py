"""The fit stage: a whole-dataset signal learns from all rows, or scores new rows by its fit."""

from collections.abc import Sequence

import numpy as np
from sqlalchemy.orm import Session

from curation.items import Pairs
from curation.signals import Signal, parse_signal
from service.cells import (
    items_sha256,
    load_fit,
    newest_fit,
    signal_row,
    store_fit,
    write_scores,
)
from service.columns import Generation, item_ids, load_items
from service.labels.facts import load_facts, stamped, with_facts
from service.media import texts_of, unread_by, unsupported
from service.tables.jobs import Job
from service.tables.scores import FitRow
from workers import embedding
from workers.handler import ShardPlan, Work


def plan(session: Session, job: Job, signals: Sequence[Signal], *, refit: bool) -> list[ShardPlan]:
    """One shard a signal, where it has no fit, a row has no cell, or a refit is asked for."""
    assert job.dataset_id is not None
    plans: list[ShardPlan] = []
    for signal in signals:
        row = signal_row(session, job.dataset_id, signal)
        fit = newest_fit(session, row.id)
        cells = Generation(row.id, fit.id if fit else None, signal.outputs[0].name)
        missing = len(item_ids(session, job.dataset_id, signal.level, without=cells))
        again = refit or (fit is not None and signal.facts and stale(session, job, signal, fit))
        if missing or again:
            payload = {
                "signal": signal.model_dump(mode="json"), "signal_id": row.id, "refit": bool(again),
            }  # fmt: skip
            plans.append(ShardPlan(payload, missing, embedding.queue_of(signal)))
    return plans


def stale(session: Session, job: Job, signal: Signal, fit: FitRow) -> bool:
    """Whether the labels say other facts than those that the fit was made from."""
    assert job.dataset_id is not None
    media = unread_by(session, job.dataset_id, signal)
    ids = [id for id in item_ids(session, job.dataset_id, signal.level) if id not in media]
    facts = load_facts(session, job.dataset_id, ids, signal.facts)
    return fit.items_sha256 != items_sha256(stamped(ids, facts))


def run(work: Work) -> None:
    """A fit that is there scores the rows that it has not seen, and they are marked so.

    Pairs of images are no part of it. Without any text there is no fit.
    """
    session, job = work.session, work.job
    assert job.dataset_id is not None
    signal, signal_id = parse_signal(work.payload["signal"]), int(work.payload["signal_id"])
    items = load_items(session, job.dataset_id, signal.level)
    media = sorted(unread_by(session, job.dataset_id, signal))
    if isinstance(items, Pairs):
        items = texts_of(items, frozenset(media))
        items = with_facts(session, job.dataset_id, items, signal.facts)
    facts = items.facts if isinstance(items, Pairs) else {}
    made_from = stamped(items.ids, facts)
    items = embedding.embedded(session, job, signal, items)
    row = newest_fit(session, signal_id)
    if media and row is None and not len(items):
        write_scores(session, signal_id, None, media, unsupported(signal, len(media)))
        return
    new = row is None or (work.payload["refit"] and row.items_sha256 != items_sha256(made_from))
    if new:
        fit = signal.fit(items)
        row = store_fit(session, signal_id, made_from, fit)
    else:
        assert row is not None
        fit = load_fit(row)
        cells = Generation(signal_id, row.id, signal.outputs[0].name)
        missing = set(item_ids(session, job.dataset_id, signal.level, without=cells))
        items = items.take(np.flatnonzero([name in missing for name in items.ids]))
    work.report(0)
    if len(items):
        scores = signal.score(items, fit)
        write_scores(session, signal_id, row.id, items.ids, scores, unseen=not new)
    write_scores(session, signal_id, row.id, media, unsupported(signal, len(media)))
