import os
import time
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from service import files
from service.sweeping import sweep
from service.tables.datasets import Upload
from service.tables.sessions import IdempotencyKey, UploadPart, UploadSession
from service.tables.viewer import ParquetShard
from tests.service.intake.uploading import ingested, new_dataset, post, trl

LONG_AGO = func.now() - text("interval '2 days'")


@pytest.fixture(autouse=True)
def nothing_stored() -> Iterator[None]:
    """The files of other tests' rolled-back uploads are stray."""
    age("uploads")
    sweep()
    yield
    age("uploads")
    sweep()


def age(folder: str) -> list[str]:
    """All files of the folder, now two days old."""
    file_system, root = files.path_of(folder)
    paths: list[str] = file_system.find(root) if file_system.exists(root) else []
    for path in paths:
        then = time.time() - 2 * 86400
        os.utime(path, (then, then))
    return paths


def stray(content: bytes = b"x") -> files.Incoming:
    """As a request leaves it whose server was killed."""
    incoming = files.Incoming()
    incoming.write(content)
    incoming.close()
    return incoming


def begin(client: TestClient, dataset: str) -> str:
    at = client.post(f"/api/v1/datasets/{dataset}/upload-sessions").headers["Location"]
    client.patch(at, content=b"x", headers={"Upload-Offset": "0"})
    return at


def test_an_expired_session_goes_with_its_parts(client: TestClient, session: Session) -> None:
    dataset = new_dataset(client)
    old, young = begin(client, dataset), begin(client, dataset)
    rows = update(UploadSession).where(UploadSession.id == old.rsplit("/", 1)[-1])
    session.execute(rows.values(expires_at=LONG_AGO))
    session.commit()
    assert sweep() == 1
    assert [client.head(at).status_code for at in (old, young)] == [404, 204]
    assert len(age(files.INCOMING)) == 1
    assert sweep() == 0  # old, but a part
    assert session.scalar(select(func.count()).select_from(UploadPart)) == 1


@pytest.mark.usefixtures("session")
def test_a_file_of_a_killed_request_goes_once_it_is_old() -> None:
    stray()
    assert sweep() == 0
    age(files.INCOMING)
    assert sweep() == 1
    assert age(files.INCOMING) == []


@pytest.mark.usefixtures("rung")
def test_a_stored_file_stays_as_long_as_an_upload_has_it(
    client: TestClient, session: Session
) -> None:
    dataset = new_dataset(client)
    post(client, dataset, trl(2))
    stray().keep(files.upload_key(bytes(32)))
    assert len(age("uploads")) == 2
    assert sweep() == 1
    (kept,) = age("uploads")
    assert kept.endswith(session.scalars(select(Upload.sha256)).one().hex())
    client.delete(f"/api/v1/datasets/{dataset}")
    assert sweep() == 1
    assert age("uploads") == []


def test_old_answers_go(client: TestClient, session: Session) -> None:
    for name in ("a", "b"):
        headers = {"Idempotency-Key": name}
        client.post("/api/v1/datasets", json={"name": name}, headers=headers)
    rows = update(IdempotencyKey).where(IdempotencyKey.key == "a")
    session.execute(rows.values(created_at=LONG_AGO))
    session.commit()
    sweep()
    assert session.scalars(select(IdempotencyKey.key)).all() == ["b"]


@pytest.mark.usefixtures("rung")
def test_the_viewers_files_go_with_their_snapshot(client: TestClient, session: Session) -> None:
    """Deleted with the dataset, or forgotten; a file of a snapshot stays however old it is."""
    made: dict[str, str] = {}
    for name in ("stays", "goes"):
        dataset = new_dataset(client, name)
        ingested(client, dataset, trl(3, name + " {i}"))
        assert client.get(f"/api/v1/datasets/{dataset}/parquet").json()["pending"] == []
        [key] = session.scalars(select(ParquetShard.key).where(ParquetShard.key.not_in(made)))
        made[key] = dataset
    stays, goes = made
    age(files.VIEWED)
    sweep()
    assert [files.exists(key) for key in made] == [True, True]
    assert client.delete(f"/api/v1/datasets/{made[goes]}").status_code == 204
    sweep()
    assert [files.exists(key) for key in made] == [True, False]
    listed = client.get(f"/api/v1/datasets/{made[stays]}/parquet").json()["parquet_files"]
    assert client.get(listed[0]["url"]).status_code == 200


@pytest.mark.usefixtures("session")
def test_a_young_file_of_the_viewer_waits_for_its_row() -> None:
    incoming = stray()
    incoming.keep(f"{files.VIEWED}/0/0-young")
    assert sweep() == 0
    age(files.VIEWED)
    sweep()
    assert not files.exists(f"{files.VIEWED}/0/0-young")
