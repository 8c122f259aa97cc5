"""The score job: embed what has no vector, score what has no score, fit what needs a fit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from curation.signals import Level, Signal
from service.cells import newest_fit, signal_row, write_scores
from service.columns import Generation, item_ids, load_items
from service.media import unread_by, unsupported
from service.tables.jobs import Job, JobState
from service.tables.scores import Score
from service.viewer.snapshots import snapshot_of, with_scores
from workers import embedding, fitting
from workers.handler import ShardPlan, Work
from workers.job_signals import signal_of, signals_of

STAGES = ["embed", "score", "fit"]
ROWS = 512  # a shard
BATCH = 128  # rows that are committed together


class Scoring:
    """`spec`: signals, refit."""

    def plan(self, session: Session, job: Job, stage: str) -> list[ShardPlan]:
        return plan_stage(
            session, job, stage, signals_of(session, job), refit=job.spec.get("refit", False)
        )

    def run(self, work: Work) -> None:
        run_stage(work)

    def finish(self, session: Session, job: Job) -> dict[str, Any]:
        lay_out(session, job)
        return {"signals": [summary(session, job, signal) for signal in signals_of(session, job)]}

    def fail(self, session: Session, job: Job, problem: dict[str, Any]) -> None:
        """Cells that were computed are right and stay."""


def lay_out(session: Session, job: Job) -> None:
    """Write the rows that filters by scores read, so that no request has to."""
    assert job.dataset_id is not None
    job.state = JobState.succeeded  # what a snapshot is of: it is asked for as soon as this is over
    session.flush()
    with_scores(session, snapshot_of(session, job.dataset_id))


def plan_stage(
    session: Session, job: Job, stage: str, signals: Sequence[Signal], *, refit: bool = False
) -> list[ShardPlan]:
    """The shards of one of the three scoring stages; for every job kind that needs scores."""
    if stage == "embed":
        return embedding.plan(session, job, signals)
    if stage == "score":
        embedding.name_prompts(session, job, signals)  # the stage before has embedded them
    own = [signal for signal in signals if signal.level != Level.text]
    if stage == "fit":
        return fitting.plan(session, job, [s for s in own if s.whole_dataset], refit=refit)
    return [plan for s in own if not s.whole_dataset for plan in plan_rows(session, job, s)]


def run_stage(work: Work) -> None:
    {"embed": embedding.run, "score": run_rows, "fit": fitting.run}[work.stage](work)


def plan_rows(session: Session, job: Job, signal: Signal) -> list[ShardPlan]:
    """Shards of the rows without a cell."""
    assert job.dataset_id is not None
    row = signal_row(session, job.dataset_id, signal)
    cells = Generation(row.id, None, signal.outputs[0].name)
    missing = item_ids(session, job.dataset_id, signal.level, without=cells)
    parts = [missing[start : start + ROWS] for start in range(0, len(missing), ROWS)]
    payload = {"signal": signal.identity(), "signal_id": row.id}
    queue = embedding.queue_of(signal)
    return [ShardPlan({**payload, "items": part}, len(part), queue) for part in parts]


def run_rows(work: Work) -> None:
    """Score the shard's rows that have no score: all outputs of a batch in one commit."""
    session, job, payload = work.session, work.job, work.payload
    assert job.dataset_id is not None
    signal = signal_of(work)
    cells = Generation(payload["signal_id"], None, signal.outputs[0].name)
    missing = item_ids(session, job.dataset_id, signal.level, cells, payload["items"])
    media = sorted(unread_by(session, job.dataset_id, signal, missing))
    if media:
        write_scores(session, cells.signal_id, None, media, unsupported(signal, len(media)))
        work.checkpoint(len(media))
        missing = [name for name in missing if name not in media]
    items = load_items(session, job.dataset_id, signal.level, missing)
    items = embedding.embedded(session, job, signal, items)
    for start in range(0, len(items), BATCH):
        batch = items.take(np.arange(start, min(start + BATCH, len(items))))
        write_scores(session, cells.signal_id, None, batch.ids, signal.score(batch))
        work.checkpoint(len(batch))


def summary(session: Session, job: Job, signal: Signal) -> dict[str, Any]:
    """What there is of a signal now: cells by output and status, and what its fit measured."""
    found: dict[str, Any] = {"kind": signal.model_dump()["kind"], "identity": signal.identity()}
    if signal.level == Level.text or job.dataset_id is None:
        return found
    row = signal_row(session, job.dataset_id, signal)
    fit = newest_fit(session, row.id) if signal.whole_dataset else None
    counted = (
        select(Score.output, Score.status, func.count())
        .where(Score.signal_id == row.id)
        .where(Score.fit_id.is_not_distinct_from(fit.id if fit else None))
        .group_by(Score.output, Score.status)
        .order_by(Score.output, Score.status)
    )
    outputs: dict[str, dict[str, int]] = {output.name: {} for output in signal.outputs}
    for output, status, cells in session.execute(counted):
        outputs[output][status] = cells
    return {**found, "outputs": outputs, "fit": fit.metrics if fit else None}
