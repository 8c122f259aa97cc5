"""Snapshots: every change shows, and what is being read stays as long as it is read."""

import uuid
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from service import db, files
from service.errors import Gone
from service.tables.access import Workspace
from service.tables.datasets import Dataset
from service.tables.pairs import Pair
from service.tables.viewer import PairScores, ParquetShard, Snapshot
from service.viewer import snapshots
from service.viewer.snapshots import earlier_snapshot, forget, snapshot_of, with_scores
from tests.service.intake.uploading import ingested, new_dataset
from tests.service.labels.pair_building import built, rating_lines
from tests.service.labels.test_erasures import erase, lines, record
from tests.service.serving import workspace_key
from tests.service.viewer.scored import OUTPUTS, add_style
from tests.workers.dataset import add_dataset, add_pairs

SCORE = f"style.{OUTPUTS[0]}"


def seen(client: TestClient, dataset: str) -> tuple[int, ...]:
    """How many pairs the viewer, a filter, the statistics and a stream tell; they agree."""
    path = f"/api/v1/datasets/{dataset}"
    rows = client.get(f"{path}/rows").json()
    ids = [row["row"]["pair_id"] for row in rows["rows"]]
    kept = client.get(f"{path}/filter", params={"where": "votes >= 0"}).json()
    assert [row["row"]["pair_id"] for row in kept["rows"]] == ids
    assert [row["row_idx"] for row in kept["rows"]] == list(range(len(ids)))
    stream = client.get(f"{path}/pairs.ndjson", params={"fields": "pair_id"}).content
    told = (
        rows["num_rows_total"], kept["num_rows_total"], stream.count(b"\n"),
        client.get(f"{path}/statistics").json()["num_examples"],
    )  # fmt: skip
    assert set(told) == {len(ids)}
    return tuple(sorted(hash(id) for id in ids))


@pytest.mark.usefixtures("rung")
def test_every_change_of_the_pairs_shows(client: TestClient, session: Session) -> None:
    dataset = new_dataset(client)
    path = f"/api/v1/datasets/{dataset}"
    states = [seen(client, dataset)]
    upload: dict[str, Any] = {}
    builds: list[dict[str, Any]] = []

    def ingest() -> None:
        voted = lines(record("p", {"ann": "a"}), record("q", {"ann": "a", "bob": "b", "c": "b"}))
        upload.update(ingested(client, dataset, voted))

    def rate() -> None:  # another upload, without pairs
        ingested(client, dataset, rating_lines({"r": {"a": 4, "b": 2, "c": 1}}))

    changes: list[Callable[[], Any]] = [
        ingest,
        lambda: rate() or builds.append(built(client, dataset, {"kind": "all_pairs"})),
        lambda: builds.append(built(client, dataset, "majority")),
        # Not the last one: the largest position stays.
        lambda: client.delete(f"{path}/pair-builds/{builds[0]['id']}").raise_for_status(),
        lambda: client.post(f"/api/v1/uploads/{upload['id']}/withdraw").raise_for_status(),
        lambda: client.post(f"/api/v1/uploads/{upload['id']}/restore").raise_for_status(),
        lambda: erase(client, dataset, annotator={"name": "c", "kind": "human"}),
        lambda: erase(client, dataset, upload_id=upload["id"]),
    ]
    for change in changes:
        change()
        states.append(seen(client, dataset))
        counted = session.scalar(
            select(func.count()).select_from(Pair).where(Pair.dataset_id == uuid.UUID(dataset))
        )
        assert len(states[-1]) == counted
    assert all(one != other for one, other in pairwise(states))
    assert states[-1] == ()


@pytest.fixture
def scored(session: Session, workspace: Workspace) -> tuple[Dataset, list[str]]:
    """A dataset with scores, and its pairs' ids by score: those that are missing last."""
    dataset = add_dataset(session, workspace, 40)
    given = add_style(session, dataset)[OUTPUTS[0]]
    ids = session.scalars(
        select(Pair.id).where(Pair.dataset_id == dataset.id).order_by(Pair.position)
    )
    there = [(value is None, value or 0, i, str(id)) for i, (value, id) in enumerate(
        zip(given, ids, strict=True))]  # fmt: skip
    return dataset, [id for *_, id in sorted(there)]


def change(session: Session, dataset: Dataset, number: int) -> None:
    add_pairs(session, dataset, range(1000 * number, 1000 * number + 3))
    session.commit()


def test_pages_by_a_score_are_of_one_snapshot(
    client: TestClient, session: Session, scored: tuple[Dataset, list[str]]
) -> None:
    """The dataset changes more often than snapshots are kept, and a score is never lost."""
    dataset, expected = scored
    path = f"/api/v1/datasets/{dataset.id}/pairs"
    asked: dict[str, Any] = {"orderby": SCORE, "limit": 5, "fields": f"pair_id,{SCORE}"}
    rows: list[dict[str, Any]] = []
    for number in range(1, 9):
        page = client.get(path, params=asked).json()
        rows += page["items"]
        asked["cursor"] = page["next_cursor"]
        change(session, dataset, number)
        client.get(path, params={"where": f"{SCORE} > 0"})  # makes a newer snapshot
    assert [row["pair_id"] for row in rows] == expected
    assert asked["cursor"] is None
    assert [row[SCORE] is None for row in rows] == [False] * 32 + [True] * 8


def test_a_page_of_a_forgotten_snapshot_is_410(
    client: TestClient, session: Session, scored: tuple[Dataset, list[str]]
) -> None:
    dataset, _ = scored
    path = f"/api/v1/datasets/{dataset.id}/pairs"
    asked: dict[str, Any] = {"orderby": SCORE, "limit": 5}
    asked["cursor"] = client.get(path, params=asked).json()["next_cursor"]
    by_position = client.get(path, params={"where": "votes > 0", "limit": 5}).json()
    session.execute(update(Snapshot).values(used_at=func.now() - text("interval '11 minutes'")))
    for number in (1, 2):
        change(session, dataset, number)
        client.get(path, params={"where": "votes > 0"})
    answer = client.get(path, params=asked)
    assert (answer.status_code, answer.json()["code"]) == (410, "snapshot_gone")
    # What reads no scores is of no snapshot.
    where = {"where": "votes > 0", "limit": 5, "cursor": by_position["next_cursor"]}
    assert client.get(path, params=where).status_code == 200


def test_there_are_never_more_than_so_many(
    session: Session, scored: tuple[Dataset, list[str]]
) -> None:
    dataset, _ = scored
    first = snapshot_of(session, dataset.id).id
    for number in range(1, snapshots.MOST + 2):
        change(session, dataset, number)
        with_scores(session, snapshot_of(session, dataset.id))
    kept = session.scalars(select(Snapshot.id).where(Snapshot.dataset_id == dataset.id)).all()
    assert len(kept) == snapshots.MOST
    with pytest.raises(Gone):
        earlier_snapshot(session, dataset.id, first)
    stray = select(func.count()).select_from(PairScores).where(PairScores.snapshot_id == first)
    assert session.scalar(stray) == 0


def test_what_another_transaction_reads_is_not_forgotten() -> None:
    with workspace_key():
        with db.new_session.begin() as session:
            workspace = session.scalars(
                select(Workspace).order_by(Workspace.created_at.desc())
            ).first()
            assert workspace
            dataset = add_dataset(session, workspace, 4)
        with db.new_session.begin() as session:
            for number in range(3):
                add_pairs(session, dataset, range(1000 * number + 1000, 1000 * number + 1002))
                snapshot_of(session, dataset.id)
            session.execute(update(Snapshot).values(used_at=text("now() - interval '1 hour'")))
        oldest = select(Snapshot.id).where(Snapshot.dataset_id == dataset.id).order_by(Snapshot.id)
        with db.new_session() as reader:
            id = reader.scalars(oldest).first()
            assert id
            held = snapshots.held(reader, Snapshot.id == id)
            assert held
            with db.new_session.begin() as writer:
                forget(writer, dataset.id)
            assert reader.scalars(oldest).first() == id
        with db.new_session.begin() as writer:  # the reader's mark of use was rolled back, too
            forget(writer, dataset.id)
            assert writer.scalars(oldest).first() != id


@pytest.mark.usefixtures("rung")
def test_an_erasure_leaves_no_snapshot_and_no_file(client: TestClient, session: Session) -> None:
    dataset = new_dataset(client)
    upload = ingested(client, dataset, lines(record("p", {"ann": "a"}), record("q", {"ann": "a"})))
    assert client.get(f"/api/v1/datasets/{dataset}/parquet").json()["pending"] == []
    keys = session.scalars(select(ParquetShard.key)).all()
    assert [files.exists(key) for key in keys] == [True]
    erase(client, dataset, upload_id=upload["id"])
    assert [files.exists(key) for key in keys] == [False]
    assert session.scalar(select(func.count()).select_from(Snapshot)) == 0
