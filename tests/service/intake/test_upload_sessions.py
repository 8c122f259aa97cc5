import base64
import hashlib
import random
import uuid
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from service import files
from service.app import app
from service.auth import create_key
from service.config import Settings
from service.intake import resumable
from service.sweeping import sweep
from service.tables.access import Workspace
from service.tables.datasets import Upload
from service.tables.sessions import UploadPart, UploadSession
from tests.service.intake.uploading import new_dataset, post, trl

CONTENT = trl(300)
FIXTURES = [HealthCheck.function_scoped_fixture]


def begin(client: TestClient, dataset: str, **options: Any) -> str:
    """The Location of a new session."""
    made = client.post(f"/api/v1/datasets/{dataset}/upload-sessions", params=options)
    assert made.status_code == 201, made.text
    assert (made.headers["Upload-Offset"], made.headers["Upload-Complete"]) == ("0", "?0")
    return made.headers["Location"]


def patch(client: TestClient, at: str, start: int, content: bytes, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.patch(at, content=content, headers={"Upload-Offset": str(start), **named})


def sha256_field(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def incoming() -> list[Any]:
    file_system, folder = files.path_of(files.INCOMING)
    return file_system.ls(folder) if file_system.exists(folder) else []


def test_a_file_in_parts_is_the_upload_that_it_is_at_once(
    client: TestClient, rung: list[tuple[str, str]]
) -> None:
    dataset, other = new_dataset(client), new_dataset(client, "other")
    at = begin(client, dataset, filename="a.jsonl", mode="atomic", size=len(CONTENT))
    first = patch(client, at, 0, CONTENT[:1000])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "1000")
    assert rung == []
    last = patch(client, at, 1000, CONTENT[1000:])
    assert (last.status_code, last.headers["Upload-Complete"]) == (202, "?1")
    once = post(client, other, CONTENT, filename="a.jsonl", mode="atomic").json()
    own = ("id", "dataset_id", "created_at")
    parts, whole = last.json()["upload"], once["upload"]
    assert {n: v for n, v in parts.items() if n not in own} == {
        n: v for n, v in whole.items() if n not in own
    }
    assert last.json()["job"]["kind"] == "ingest"
    assert len(rung) == 2
    assert incoming() == []
    seen = client.get(at).json()
    assert (seen["complete"], seen["received"]) == (True, len(CONTENT))
    assert client.head(at).headers["Upload-Complete"] == "?1"


@pytest.mark.usefixtures("rung")
def test_completing_again_gives_the_same_upload(client: TestClient) -> None:
    at = begin(client, new_dataset(client))
    patch(client, at, 0, CONTENT)
    done = [patch(client, at, len(CONTENT), b"", Upload_Complete="?1") for _ in range(2)]
    assert [answer.status_code for answer in done] == [202, 200]
    assert done[0].json()["upload"]["id"] == done[1].json()["upload"]["id"]


def test_a_wrong_offset_is_told_the_right_one(client: TestClient) -> None:
    at = begin(client, new_dataset(client))
    patch(client, at, 0, b"12345")
    for start in (0, 4, 6, 10**12):
        refused = patch(client, at, start, b"x")
        assert (refused.status_code, refused.json()["code"]) == (409, "offset_mismatch")
        assert refused.headers["Upload-Offset"] == "5"
        assert refused.json()["expected_offset"] == 5
    assert client.head(at).headers["Upload-Offset"] == "5"
    for wrong in ("-1", "x", str(2**70)):
        headers = {"Upload-Offset": wrong}
        assert client.patch(at, content=b"x", headers=headers).status_code == 422
    assert client.patch(at, content=b"x").status_code == 422


def test_a_part_that_is_not_its_digest_does_not_count(client: TestClient) -> None:
    at = begin(client, new_dataset(client))
    wrong = patch(client, at, 0, b"12345", Content_Digest=sha256_field(b"12346"))
    assert (wrong.status_code, wrong.json()["code"]) == (422, "digest_mismatch")
    assert client.head(at).headers["Upload-Offset"] == "0"
    field = f"md5=:AAAA:, {sha256_field(b'12345')}"
    assert patch(client, at, 0, b"12345", Content_Digest=field).status_code == 204
    assert patch(client, at, 5, b"", Content_Digest=sha256_field(b"")).status_code == 204
    assert (
        patch(client, at, 5, b"x", Content_Digest="sha-256=:AAAA:").json()["code"] == "bad_digest"
    )
    assert client.head(at).headers["Upload-Offset"] == "5"
    assert len(incoming()) == 1
    client.delete(at)


def test_a_file_that_is_not_its_digest_becomes_no_upload(
    client: TestClient, session: Session
) -> None:
    at = begin(client, new_dataset(client), size=3, sha256=hashlib.sha256(b"abc").hexdigest())
    refused = patch(client, at, 0, b"abd")
    assert (refused.status_code, refused.json()["code"]) == (422, "digest_mismatch")
    assert session.scalar(select(func.count()).select_from(Upload)) == 0
    assert client.delete(at).status_code == 204
    assert incoming() == []


def test_bytes_beyond_the_declared_size_do_not_count(client: TestClient) -> None:
    at = begin(client, new_dataset(client), size=3)
    refused = patch(client, at, 0, b"abcd")
    assert (refused.status_code, refused.json()["code"]) == (413, "upload_too_large")
    early = patch(client, at, 0, b"ab", Upload_Complete="?1")
    assert (early.status_code, early.json()["code"]) == (422, "upload_incomplete")
    assert client.head(at).headers["Upload-Offset"] == "2"
    client.delete(at)
    assert incoming() == []


def test_what_is_dropped_or_expired_is_gone(client: TestClient, session: Session) -> None:
    dataset = new_dataset(client)
    dropped, expired = begin(client, dataset), begin(client, dataset)
    patch(client, dropped, 0, b"x")
    assert client.delete(dropped).status_code == 204
    session.execute(update(UploadSession).values(expires_at=func.now()))
    session.commit()
    for at in (dropped, expired):
        assert client.head(at).status_code == 404
        assert patch(client, at, 0, b"x").status_code == 404
    assert session.scalar(select(func.count()).select_from(UploadPart)) == 0


def test_a_session_does_not_show_to_another_workspace(client: TestClient, session: Session) -> None:
    at = begin(client, new_dataset(client))
    other = Workspace(name="other")
    session.add(other)
    session.flush()
    key = create_key(session, other, "other")
    session.commit()
    stranger = TestClient(app, headers={"X-API-Key": key})
    for answer in (
        stranger.head(at), stranger.get(at), stranger.delete(at), patch(stranger, at, 0, b"x")
    ):  # fmt: skip
        assert answer.status_code == 404
    assert TestClient(app).head(at).status_code == 401


@pytest.mark.usefixtures("rung")
@settings(max_examples=12, deadline=None, suppress_health_check=FIXTURES)
@given(cuts=st.lists(st.integers(0, len(CONTENT)), max_size=30), seed=st.integers(0, 2**16))
def test_any_schedule_of_cuts_and_resumes_gives_the_same_file(
    client: TestClient, cuts: list[int], seed: int
) -> None:
    """Parts end anywhere; some come twice, some are damaged, some start at the wrong place."""
    choose, small = random.Random(seed), resumable.PART_BYTES
    resumable.PART_BYTES = choose.choice([1, 700, small])
    dataset = new_dataset(client, str(uuid.uuid4()))
    at, done = begin(client, dataset, size=len(CONTENT)), 0
    for cut in sorted({*cuts, len(CONTENT)}):
        part = CONTENT[done:cut]
        if choose.random() < 0.3:
            patch(client, at, done, part, Content_Digest=sha256_field(part + b"x"))
        if choose.random() < 0.3 and done:
            assert patch(client, at, done - 1, part).status_code == 409
        done = int(client.head(at).headers["Upload-Offset"])
        patch(client, at, done, CONTENT[done:cut], Content_Type="a/b")
        done = cut
    resumable.PART_BYTES = small
    upload = client.get(f"/api/v1/uploads/{client.get(at).json()['upload_id']}").json()
    assert (upload["sha256"], upload["size"]) == (hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    assert incoming() == []


@pytest.mark.usefixtures("rung")
def test_any_file_system_will_do(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "settings", Settings(files_url="memory://resumable"))
    at = begin(client, new_dataset(client), size=len(CONTENT))
    patch(client, at, 0, CONTENT[:1000])
    assert sweep() == 0
    upload = patch(client, at, 1000, CONTENT[1000:]).json()["upload"]
    assert files.get(files.upload_key(bytes.fromhex(upload["sha256"]))) == CONTENT
    assert incoming() == []
    begun = begin(client, new_dataset(client, "other"))
    patch(client, begun, 0, b"x")
    assert len(incoming()) == 1
    client.delete(begun)
    assert incoming() == []
