"""Scoring jobs in process, on a real database, with real signals and the real small embedder."""

import numpy as np
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from curation.signals import Fit, parse_signal
from service import files
from service.cells import signal_row, store_fit
from service.queue import enqueue
from service.tables.access import Workspace
from service.tables.datasets import Dataset
from service.tables.jobs import Job, JobKind, JobState, Shard
from service.tables.scores import EmbeddingRow, FitRow, Score
from tests.workers.dataset import add_dataset, add_pairs
from workers import scoring
from workers.protocol import run_job

HANDLERS = {JobKind.score: scoring.Scoring()}
STYLE = {"kind": "style"}
NOVELTY = {"kind": "knn_novelty", "k": 2}
Rung = list[tuple[str, str]]


def run(session: Session, dataset: Dataset, *signals: object, refit: bool = False) -> Job:
    job = Job(
        workspace_id=dataset.workspace_id, dataset_id=dataset.id, kind=JobKind.score,
        spec={"signals": list(signals), "refit": refit}, stages=scoring.STAGES,
    )  # fmt: skip
    enqueue(session, job)
    session.commit()
    run_job(job.id, ("cpu", "gpu"), HANDLERS)
    session.refresh(job)
    assert job.state == JobState.succeeded, job.error
    return job


def count(session: Session, *where: object) -> int:
    return session.scalar(select(func.count()).select_from(Score).where(*where)) or 0  # type: ignore[arg-type]


@pytest.mark.parametrize("pairs", [0, 1, 7, 600])
def test_every_pair_gets_every_output_once(
    session: Session, workspace: Workspace, rung: Rung, pairs: int
) -> None:
    dataset = add_dataset(session, workspace, pairs)
    job = run(session, dataset, STYLE)
    assert count(session) == pairs * 8
    assert count(session, Score.status != "ok") == 0
    done = session.scalars(select(Shard.rows_done).where(Shard.job_id == job.id)).all()
    assert sum(done) == pairs
    session.execute(select(Score)).all()


def test_scoring_again_computes_only_what_is_missing(
    session: Session, workspace: Workspace, rung: Rung
) -> None:
    dataset = add_dataset(session, workspace, 6)
    run(session, dataset, STYLE)
    add_pairs(session, dataset, range(6, 10))
    job = run(session, dataset, STYLE)
    assert count(session) == 10 * 8
    rows = session.scalars(select(Shard.rows_total).where(Shard.job_id == job.id)).all()
    assert sum(rows) == 4
    again = run(session, dataset, STYLE)
    assert len(session.scalars(select(Shard).where(Shard.job_id == again.id)).all()) == 1


def test_a_fit_scores_its_rows_and_marks_rows_that_it_has_not_seen(
    session: Session, workspace: Workspace, rung: Rung
) -> None:
    dataset = add_dataset(session, workspace, 12)
    run(session, dataset, NOVELTY)
    assert (count(session), count(session, Score.unseen)) == (6, 0)
    assert session.scalar(select(func.count()).select_from(EmbeddingRow)) == 6
    add_pairs(session, dataset, range(12, 20))
    run(session, dataset, NOVELTY)
    assert (count(session), count(session, Score.unseen)) == (10, 4)
    refitted = run(session, dataset, NOVELTY, refit=True)
    fits = session.scalars(select(FitRow).order_by(FitRow.id)).all()
    assert [fit.items for fit in fits] == [6, 10]
    assert count(session, Score.fit_id == fits[0].id) == 10
    assert count(session, Score.fit_id == fits[1].id, ~Score.unseen) == 10
    assert refitted.result is not None
    assert refitted.result["signals"][0]["outputs"] == {"log_distance": {"ok": 10}}


def test_a_fit_of_the_same_items_takes_the_place_of_the_last_with_its_file_once_committed(
    session: Session, workspace: Workspace
) -> None:
    signal = signal_row(session, add_dataset(session, workspace, 0).id, parse_signal(NOVELTY)).id
    first = store_fit(session, signal, ["a"], Fit({"learnt": np.zeros(1)}, {})).artifact
    session.commit()
    store_fit(session, signal, ["a"], Fit({"learnt": np.ones(1)}, {}))
    session.rollback()
    session.commit()
    assert files.exists(first)
    store_fit(session, signal, ["a"], Fit({"learnt": np.zeros(1)}, {}))
    session.commit()
    assert files.exists(first)  # the same fit again
    last = store_fit(session, signal, ["a"], Fit({"learnt": np.ones(1)}, {})).artifact
    assert files.exists(first)
    session.commit()
    assert (files.exists(first), files.exists(last)) == (False, True)


def test_a_text_is_embedded_once_in_its_workspace(
    session: Session, workspace: Workspace, rung: Rung
) -> None:
    first, second = add_dataset(session, workspace, 10), add_dataset(session, workspace, 10)
    run(session, first, {"kind": "embedding"})
    vectors = session.scalar(select(func.count()).select_from(EmbeddingRow))
    assert vectors == 5 + 4 * 10
    job = run(session, second, {"kind": "embedding"})
    assert session.scalars(select(Shard.rows_total).where(Shard.job_id == job.id)).all() == [0]
