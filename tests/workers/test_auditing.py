"""Audits over REST: the same findings as of the files, kept until what they read is erased."""

import os
import uuid
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from curation.items import Texts
from service import files
from service.audit import vectors
from service.audit.run import audit, write_folder
from service.auth import create_key
from service.sweeping import sweep
from service.tables.access import Workspace
from service.tables.audits import Audit
from tests.service.test_sweeping import age
from tests.workers.test_replaying import asked, lines, run, uploaded

pytestmark = pytest.mark.usefixtures("rung")
PLAIN = {"embed": False}
PLACES = ("", "/report.json", "/report.html", "/pairs.parquet")
NAMES = ("report.json", "report.html", "pairs.parquet")


def audited(client: TestClient, dataset: str, **options: Any) -> dict[str, Any]:
    made = asked(client, f"/datasets/{dataset}/audits", PLAIN | options)
    return client.get(f"/api/v1/audits/{made['audit']['id']}").json()


def file_of(client: TestClient, found: dict[str, Any], name: str) -> bytes:
    answer = client.get(f"/api/v1/audits/{found['id']}/{name}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["ETag"] == f'"{found["files"][name]["sha256"]}"'
    return answer.content


def same_as_of_the_files(
    client: TestClient, folder: Path, monkeypatch: pytest.MonkeyPatch, anchors: int | str
) -> dict[str, Any]:
    dataset = uploaded(client, f"set-{uuid.uuid4()}", (folder / "x.jsonl").read_bytes())
    found = audited(client, dataset, anchors=anchors, seed=3)
    assert found["state"] == "ready"
    monkeypatch.chdir(folder)
    write_folder(audit([Path("x.jsonl")], anchors=str(anchors), seed=3, embed=False), folder)
    for name in NAMES:
        assert file_of(client, found, name) == (folder / name).read_bytes(), name
    return found


@pytest.mark.realdata
def test_the_files_are_those_of_the_command(
    client: TestClient, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = (data / "llmbar" / "natural_neighbor.jsonl.gz").read_bytes()
    (tmp_path / "x.jsonl").write_bytes(given)
    found = same_as_of_the_files(client, tmp_path, monkeypatch, 30)
    assert found["summary"]["anchors"] == 30
    assert found["summary"]["method"] == "anchored"
    assert found["options"] == {"anchors": 30, "seed": 3, "embed": False}


def test_bad_lines_are_in_the_report_with_their_numbers(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.jsonl").write_bytes(lines(40) + b'\n{"prompt": "p", "chosen": 3}\n' + lines(2))
    found = same_as_of_the_files(client, tmp_path, monkeypatch, "all")
    assert (found["summary"]["rejected"], found["summary"]["pairs"]) == (1, 42)
    report = orjson.loads(file_of(client, found, "report.json"))
    assert [each["line"] for each in report["rejected"]] == [41]


def test_vectors_that_are_stored_are_taken_and_change_no_byte(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the prompts; the responses are embedded by the audit."""
    (tmp_path / "x.jsonl").write_bytes(lines(110))
    dataset = uploaded(client, "embedded", (tmp_path / "x.jsonl").read_bytes())
    job = asked(client, f"/datasets/{dataset}/jobs", {"signals": [{"kind": "knn_novelty"}]})
    run(job)
    stored, embedded = vectors.stored, vectors.embedded
    counts = list[int]()

    def taken(*given: Any) -> Any:
        found = stored(*given)
        counts.append(len(found[0]))
        return found

    def made(texts: Texts, progress: Any) -> Any:
        counts.append(len(texts))
        return embedded(texts, progress)

    monkeypatch.setattr(vectors, "stored", taken)
    monkeypatch.setattr(vectors, "embedded", made)
    found = audited(client, dataset, embed=True)
    monkeypatch.chdir(tmp_path)
    write_folder(audit([Path("x.jsonl")]), tmp_path)
    assert counts == [110, 440]
    for name in NAMES:
        assert file_of(client, found, name) == (tmp_path / name).read_bytes(), name


def test_an_anchor_that_names_no_pair_fails_the_audit(client: TestClient) -> None:
    dataset = uploaded(client, "anchors", lines(20))
    anchor = {"record_id": "7", "better": "rejected", "worse": "chosen"}
    found = audited(client, dataset, anchors=[anchor])
    assert (found["state"], found["summary"]["anchors"]) == ("ready", 1)
    found = audited(client, dataset, anchors=[anchor, anchor | {"record_id": "70"}])
    assert (found["state"], found["summary"], found["files"]) == ("failed", None, None)
    job = client.get(f"/api/v1/jobs/{found['job_id']}").json()
    assert (job["error"]["code"], job["error"]["field"]) == ("bad_anchors", "anchors")
    assert "anchor 2: no pair rejected, chosen of 70" in job["error"]["detail"]
    answer = client.get(f"/api/v1/audits/{found['id']}/report.html")
    assert (answer.status_code, answer.json()["code"]) == (409, "audit_not_ready")


@pytest.mark.parametrize(
    "body", [{"anchors": -1}, {"anchors": "some"}, {"seed": -1}, {"anchor": 3}, {"anchors": [{}]}]
)
def test_an_option_that_is_none_is_refused(client: TestClient, body: dict[str, Any]) -> None:
    dataset = asked(client, "/datasets", {"name": "options"})["id"]
    answer = client.post(f"/api/v1/datasets/{dataset}/audits", json=body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")


def test_an_empty_dataset_has_an_empty_table(client: TestClient) -> None:
    dataset = asked(client, "/datasets", {"name": "empty"})["id"]
    assert audited(client, dataset)["summary"]["pairs"] == 0


def test_audits_are_listed_the_newest_first_and_only_to_their_owners(
    client: TestClient, session: Session
) -> None:
    dataset = uploaded(client, "listed", lines(20))
    made = [audited(client, dataset, seed=seed)["id"] for seed in range(3)]
    session.flush()
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = client.get(f"/api/v1/datasets/{dataset}/audits", params=query).json()
        seen += [each["id"] for each in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert sorted(seen) == sorted(made)  # one transaction here, one time
    other = Workspace(name="other")
    session.add(other)
    session.flush()
    key = create_key(session, other, "other")
    session.commit()
    stranger = {"Authorization": f"Bearer {key}"}
    for path in (
        f"datasets/{dataset}/audits",
        f"audits/{made[0]}",
        f"audits/{made[0]}/report.json",
    ):
        assert client.get(f"/api/v1/{path}", headers=stranger).status_code == 404


def test_what_an_audit_said_goes_with_what_it_read(client: TestClient, session: Session) -> None:
    dataset = uploaded(client, "erased", lines(20), lines(20, said="Other"))
    found = audited(client, dataset)
    upload = client.get(f"/api/v1/datasets/{dataset}/uploads").json()["items"][0]["id"]
    asked(client, f"/datasets/{dataset}/erasures", {"upload_id": upload})
    again = client.get(f"/api/v1/audits/{found['id']}").json()
    assert (again["state"], again["summary"], again["files"]) == ("erased", None, None)
    assert not any(files.exists(files.audit_key(uuid.UUID(found["id"]), each["sha256"]))
                   for each in found["files"].values())  # fmt: skip
    later = audited(client, dataset)
    assert (later["state"], later["summary"]["pairs"]) == ("ready", 20)


def test_files_of_audits_that_are_no_more_are_swept(client: TestClient, session: Session) -> None:
    found = audited(client, uploaded(client, "swept", lines(20)))
    age(files.AUDITS)
    sweep()
    assert file_of(client, found, "report.json")
    session.delete(session.get_one(Audit, uuid.UUID(found["id"])))
    session.commit()
    age(files.AUDITS)
    sweep()
    folder = files.path_of(f"{files.AUDITS}/{found['id']}")[1]
    assert not os.path.exists(folder) or os.listdir(folder) == []
