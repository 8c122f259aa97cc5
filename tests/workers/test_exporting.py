import io
import json
import tarfile
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, update
from sqlalchemy.orm import Session

from service import files
from service.export import archive
from service.export.verify import verify
from service.queue import enqueue
from service.tables.access import Workspace
from service.tables.jobs import Job, JobKind, JobState, Shard
from service.tables.subsets import Export, Subset
from tests.workers.dataset import add_dataset
from tests.workers.subsets import add_reject, add_subset
from workers import exporting
from workers.exporting import Exporting
from workers.protocol import run_job

HANDLERS = {JobKind.export: Exporting()}


def make(session: Session, workspace: Workspace, pairs: int) -> Subset:
    dataset = add_dataset(session, workspace, pairs)
    if pairs:
        add_reject(session, dataset)
    return add_subset(session, dataset)


def export(session: Session, workspace: Workspace, subset: Subset) -> Export:
    made = Export(
        id=uuid.uuid4(), subset_id=subset.id, layout="huggingface",
        options={"test_fraction": 0.05},
    )  # fmt: skip
    session.add(made)
    enqueue(
        session,
        Job(
            workspace_id=workspace.id, dataset_id=subset.dataset_id, kind=JobKind.export,
            spec={"export_id": str(made.id)}, stages=["export"],
        ),
    )  # fmt: skip
    session.commit()
    return made


def run(session: Session, made: Export) -> Job:
    job = session.query(Job).where(Job.spec["export_id"].astext == str(made.id)).one()
    run_job(job.id, ("cpu",), HANDLERS)
    session.refresh(job)
    session.refresh(made)
    return job


def unpack(made: Export, path: Path) -> Path:
    stream = b"".join(archive.stream(made.files or {}, files.open))
    assert len(stream) == archive.size(made.files or {})
    with tarfile.open(fileobj=io.BytesIO(stream)) as tar:
        tar.extractall(path, filter="data")
    return path


def hashes(made: Export) -> dict[str, Any]:
    return {path: found["sha256"] for path, found in (made.files or {}).items()}


@pytest.mark.parametrize("pairs", [2, 90])
def test_an_exported_subset_is_what_its_manifest_says(
    session: Session, workspace: Workspace, rung: object, tmp_path: Path, pairs: int
) -> None:
    made = export(session, workspace, make(session, workspace, pairs))
    assert run(session, made).state == JobState.succeeded
    assert (made.state, made.rows) == ("ready", pairs // 2)
    assert verify(unpack(made, tmp_path)) == []


def test_an_export_of_nothing_is_refused(
    session: Session, workspace: Workspace, rung: object
) -> None:
    made = export(session, workspace, make(session, workspace, 0))
    job = run(session, made)
    assert (job.state, (job.error or {})["code"]) == (JobState.failed, "nothing_to_export")
    assert (made.state, made.files) == ("failed", None)


def test_rows_come_in_the_order_of_selection_with_their_scores(
    session: Session, workspace: Workspace, rung: object, tmp_path: Path
) -> None:
    made = export(session, workspace, make(session, workspace, 10))
    run(session, made)
    (shard,) = (unpack(made, tmp_path) / "data").iterdir()
    rows = pq.read_table(shard).to_pylist()
    assert [row["margin_mean"] for row in rows] == pytest.approx([-1, -5 / 9, -1 / 9, 1 / 3, 7 / 9])
    assert rows[0]["prompt"] == [
        {"role": "user", "content": "What should I know about tea, question 0?"}
    ]
    assert rows[0]["chosen"][0]["role"] == "assistant"
    assert rows[1]["source"] == f"{(1).to_bytes(32).hex()[:16]}:2"


def test_the_same_content_in_another_dataset_gives_the_same_bytes(
    session: Session, workspace: Workspace, rung: object
) -> None:
    first, second = (export(session, workspace, make(session, workspace, 60)) for _ in range(2))
    run(session, first)
    run(session, second)
    assert first.id != second.id
    assert hashes(first) == hashes(second)


def test_nothing_random_or_local_is_written(
    session: Session, workspace: Workspace, rung: object, tmp_path: Path
) -> None:
    subset = make(session, workspace, 60)
    made = export(session, workspace, subset)
    run(session, made)
    written = b"".join(path.read_bytes() for path in unpack(made, tmp_path).glob("*.*"))
    local = (made.id, subset.id, subset.dataset_id, workspace.id, made.job_id, "/tmp", "2026-")
    assert not [each for each in local if str(each).encode() in written and each]


def test_an_attempt_that_dies_leaves_nothing_visible_and_the_retry_gives_the_same_bytes(
    session: Session, workspace: Workspace, rung: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    subset = make(session, workspace, 60)
    undisturbed = export(session, workspace, subset)
    run(session, undisturbed)
    made = export(session, workspace, subset)
    stored = 0

    def die(path: Path) -> str:
        nonlocal stored
        stored += 1
        if stored == 3:
            raise KeyboardInterrupt
        return store(path)

    store = exporting.store
    monkeypatch.setattr(exporting, "store", die)
    with pytest.raises(KeyboardInterrupt):
        run(session, made)
    session.rollback()
    session.refresh(made)
    assert (made.state, made.files) == ("pending", None)
    monkeypatch.setattr(exporting, "store", store)
    session.execute(update(Shard).values(lease_until=func.now() - timedelta(minutes=1)))
    session.commit()
    run(session, made)
    assert hashes(made) == hashes(undisturbed)


def test_rejects_are_beside_the_data_with_their_raw_bytes(
    session: Session, workspace: Workspace, rung: object, tmp_path: Path
) -> None:
    made = export(session, workspace, make(session, workspace, 4))
    run(session, made)
    (line,) = (unpack(made, tmp_path) / "rejects.jsonl").read_bytes().splitlines()
    assert json.loads(line)["raw"] == '{"a": \\xff\\xfe'
    assert json.loads(line)["line"] == 4


def test_the_report_compares_the_kept_pairs_with_all(
    session: Session, workspace: Workspace, rung: object, tmp_path: Path
) -> None:
    made = export(session, workspace, make(session, workspace, 60))
    run(session, made)
    folder = unpack(made, tmp_path)
    report = json.loads((folder / "manifest.json").read_bytes())["report"]
    changes = {
        change["name"]: (change["before"], change["after"]) for change in report["composition"]
    }
    assert changes["pairs"] == (60, 30)
    assert changes["prompts"] == (30, 30)
    assert changes["chosen is the longer one"] == (1, 1)
    assert sum(report["margins"]["kept"]) == sum(report["margins"]["dropped"]) == 30
    assert report["rejects"] == {"not_json": 1}
    page = (folder / "report.html").read_text()
    assert "Pairs whose label looks wrong" in page
    assert "oof accuracy 0.600" in page
