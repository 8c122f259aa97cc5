"""A source leaves a dataset with all that only it said, and nothing else leaves with it."""

import uuid
from typing import Any

import numpy as np
import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from curation.signals import Fit
from service import files
from service.cells import load_fit, signal_row, store_fit
from service.labels.records import load_records
from service.tables.datasets import Dataset, Upload
from service.tables.jobs import Job, JobKind, Shard
from service.tables.scores import FitRow
from tests.service.intake.uploading import ingested, new_dataset, rejects
from tests.workers.subsets import MARGIN, add_subset
from workers.erasing import Erasing
from workers.exporting import Exporting
from workers.protocol import run_job

pytestmark = pytest.mark.usefixtures("rung")
TABLES = (
    "prompts", "responses", "records", "comparisons", "ratings", "rankings", "feedback", "pairs",
    "annotators", "rejects",
)  # fmt: skip


def record(prompt: str, votes: dict[str, str], **labels: Any) -> dict[str, Any]:
    """Two responses, "yes" and "no", and what each annotator said of them."""
    return {
        "messages": [{"role": "user", "content": prompt}],
        "responses": [{"id": "r0", "text": "yes"}, {"id": "r1", "text": "no"}],
        "comparisons": [
            {"a": "r0", "b": "r1", "outcome": outcome, "annotator": name}
            for name, outcome in votes.items()
        ],
        **labels,
    }


def lines(*rows: dict[str, Any]) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def counts(session: Session, dataset: str) -> dict[str, int]:
    own = {table: "dataset_id = :id" for table in TABLES}
    own["rejects"] = "upload_id IN (SELECT id FROM uploads WHERE dataset_id = :id)"
    return {
        table: session.scalar(text(f"SELECT count(*) FROM {table} WHERE {where}"), {"id": dataset})
        or 0
        for table, where in own.items()
    }


def pairs(client: TestClient, dataset: str) -> list[dict[str, Any]]:
    return client.get(f"/api/v1/datasets/{dataset}/pairs").json()["items"]


def erase(client: TestClient, dataset: str, **body: Any) -> dict[str, Any]:
    """The erasure once its job has ended."""
    made = client.post(f"/api/v1/datasets/{dataset}/erasures", json=body)
    assert made.status_code == 202, made.text
    run_job(uuid.UUID(made.json()["job"]["id"]), ("cpu",), {JobKind.erase: Erasing()})
    job = client.get(f"/api/v1/jobs/{made.json()['job']['id']}").json()
    assert job["state"] == "succeeded", job
    [found] = [
        each
        for each in client.get(f"/api/v1/datasets/{dataset}/erasures").json()["items"]
        if each["id"] == made.json()["erasure"]["id"]
    ]
    return found


def test_a_withdrawn_upload_comes_back_as_it_was(client: TestClient, session: Session) -> None:
    dataset = new_dataset(client)
    rows = [record(f"p{i}", {"ann": "a", "bob": "a" if i % 2 else "b"}) for i in range(6)]
    upload = ingested(client, dataset, lines(*rows))
    other = ingested(client, dataset, lines(record("another", {"ann": "b"})))
    before = pairs(client, dataset)
    assert len(before) == 4
    gone = client.post(f"/api/v1/uploads/{upload['id']}/withdraw").json()
    assert gone["upload"]["state"] == "withdrawn"
    assert [pair["source"]["upload_id"] for pair in pairs(client, dataset)] == [other["id"]]
    assert len(list(load_records(session, uuid.UUID(dataset)))) == 1
    back = client.post(f"/api/v1/uploads/{upload['id']}/restore").json()
    assert (back["upload"]["state"], back["pairs"]) == ("ingested", 3)
    assert pairs(client, dataset) == before
    again = client.post(f"/api/v1/uploads/{upload['id']}/restore")
    assert (again.status_code, again.json()["code"]) == (409, "upload_not_withdrawn")


def test_an_erased_upload_leaves_nothing_but_its_row(client: TestClient, session: Session) -> None:
    dataset = new_dataset(client)
    kept = lines(record("shared", {"ann": "a"}), record("kept", {"ann": "a"}))
    ingested(client, dataset, kept)
    before = counts(session, dataset)
    content = lines(record("shared", {"eve": "b"}), record("secret", {"eve": "a"})) + b"nonsense\n"
    upload = ingested(client, dataset, content)
    key = files.upload_key(bytes.fromhex(upload["sha256"]))
    assert files.exists(key)
    done = erase(client, dataset, upload_id=upload["id"])
    assert done["erased"]["prompts"] == 1
    assert counts(session, dataset) | {"annotators": 0} == before | {"annotators": 0}
    assert not files.exists(key)
    left = client.get(f"/api/v1/uploads/{upload['id']}").json()
    assert (left["state"], left["filename"]) == ("erased", "erased")
    assert left["sha256"] != upload["sha256"]
    # The same bytes may come again, and are a new upload.
    assert ingested(client, dataset, content)["id"] != upload["id"]


def test_an_erased_annotator_takes_their_votes_along(client: TestClient, session: Session) -> None:
    dataset = new_dataset(client)
    rows = [
        record("decided by eve", {"ann": "a", "bob": "b", "eve": "b"}),
        record("decided without", {"ann": "a", "bob": "a", "eve": "b"}),
        record("only eve", {"eve": "a"}),
        record("never eve", {"ann": "b"}),
        record("rated", {"ann": "a"}, ratings=[{"response": "r0", "value": 3, "annotator": "eve"}]),
    ]
    ingested(client, dataset, lines(*rows) + b'{"annotator": "eve"\n')
    before = {pair["prompt"][0]["content"]: pair for pair in pairs(client, dataset)}
    done = erase(client, dataset, annotator={"name": "eve"})
    assert done["erased"]["comparisons"] == 3
    assert done["erased"]["ratings"] == 1
    assert done["erased"]["rejects"] == 1
    after = {pair["prompt"][0]["content"]: pair for pair in pairs(client, dataset)}
    assert set(after) == {"decided without", "never eve", "rated"}
    assert (after["decided without"]["votes"], after["decided without"]["agreement"]) == (2, 1.0)
    assert after["decided without"]["id"] == before["decided without"]["id"]
    assert after["never eve"] == before["never eve"]
    everything = " ".join(
        str(session.execute(text(f"SELECT * FROM {table}")).all()) for table in TABLES
    )
    assert "eve" not in everything.replace("never eve", "").replace("by eve", "").replace(
        "only eve", ""
    )
    names = [
        label.annotator.name
        for stored in load_records(session, uuid.UUID(dataset))
        for label in stored.record.comparisons
        if label.annotator
    ]
    assert sorted(names) == ["ann", "ann", "ann", "ann", "bob", "bob"]


def test_what_had_used_it_is_listed_and_its_exports_are_deleted(
    client: TestClient, session: Session
) -> None:
    id = new_dataset(client)
    upload = ingested(client, id, lines(*(record(f"p{i}", {"ann": "a"}) for i in range(4))))
    ingested(client, id, lines(*(record(f"q{i}", {"bob": "a"}) for i in range(4))))
    dataset = session.get_one(Dataset, uuid.UUID(id))
    subset = add_subset(session, dataset)
    session.commit()
    made = client.post(f"/api/v1/subsets/{subset.id}/exports", json={}).json()
    run_job(uuid.UUID(made["job"]["id"]), ("cpu",), {JobKind.export: Exporting()})
    stored = client.get(f"/api/v1/exports/{made['export']['id']}").json()
    assert stored["state"] == "ready"
    body = {"upload_id": upload["id"], "dry_run": True}
    told = client.post(f"/api/v1/datasets/{id}/erasures", json=body).json()["erasure"]
    assert told["touched"]["subsets"] == [{"id": str(subset.id), "pairs": 2}]
    assert [each["id"] for each in told["touched"]["exports"]] == [made["export"]["id"]]
    assert len(pairs(client, id)) == 8
    done = erase(client, id, upload_id=upload["id"])
    assert done["touched"] == told["touched"]
    assert client.get(f"/api/v1/exports/{made['export']['id']}").json()["state"] == "erased"
    assert len(pairs(client, id)) == 4


def test_a_fit_leaves_with_its_file_unless_another_dataset_has_the_same(
    client: TestClient, session: Session
) -> None:
    own, other = new_dataset(client), new_dataset(client, "other")
    upload = ingested(client, own, lines(record("p", {"ann": "a"})))
    signals = [signal_row(session, uuid.UUID(id), MARGIN).id for id in (own, other)]
    alone = store_fit(session, signals[0], ["a"], Fit({"words": np.array(["secret"])}, {}))
    shared = store_fit(session, signals[0], ["b"], Fit({"words": np.array(["known"])}, {}))
    assert store_fit(session, signals[1], ["b"], load_fit(shared)).artifact == shared.artifact
    session.commit()
    erase(client, own, upload_id=upload["id"])
    assert session.scalars(select(FitRow.signal_id)).all() == [signals[1]]
    assert not files.exists(alone.artifact)
    assert files.exists(shared.artifact)


def test_a_stranger_erases_nothing(client: TestClient, session: Session) -> None:
    dataset = new_dataset(client)
    other = new_dataset(client, "other")
    upload = ingested(client, dataset, lines(record("p", {"ann": "a"})))
    wrong = client.post(f"/api/v1/datasets/{other}/erasures", json={"upload_id": upload["id"]})
    assert wrong.status_code == 404
    nobody = client.post(f"/api/v1/datasets/{dataset}/erasures", json={"annotator": {"name": "x"}})
    assert nobody.status_code == 404
    both = {"upload_id": upload["id"], "annotator": {"name": "ann"}}
    assert client.post(f"/api/v1/datasets/{dataset}/erasures", json=both).status_code == 422
    assert session.scalar(select(Upload.state)) == "ingested"
    assert rejects(client, upload) == []


def test_what_ended_jobs_were_about_is_forgotten(client: TestClient, session: Session) -> None:
    dataset = new_dataset(client)
    uploads = [
        ingested(client, dataset, lines(record(name, {"ann": "a"}))) for name in ("stays", "goes")
    ]
    stays, goes = [each["id"] for each in pairs(client, dataset)]
    owner = session.get_one(Dataset, uuid.UUID(dataset)).workspace_id
    job = Job(
        workspace_id=owner, dataset_id=uuid.UUID(dataset), kind=JobKind.advise, spec={},
        stages=["sample", "score"], state="cancelled",
    )  # fmt: skip
    session.add(job)
    session.flush()
    told = [
        ({}, {"pairs": [goes, stays], "of": 2}),
        ({"signal": "x", "items": [goes]}, {"items": [goes], "values": {"score": [1.0]}}),
        ({"pairs": [goes], "texts": [goes], "model_id": 1}, None),
        ({"number": 1}, {"pairs": 2}),
    ]
    for ordinal, (payload, result) in enumerate(told):
        session.add(
            Shard(job_id=job.id, stage=1, ordinal=ordinal, payload=payload, result=result)
        )  # fmt: skip
    session.commit()
    erase(client, dataset, upload_id=uploads[1]["id"])
    left = select(Shard.payload, Shard.result).where(Shard.job_id == job.id).order_by(Shard.ordinal)
    session.expire_all()
    assert [tuple(row) for row in session.execute(left)] == [
        ({}, {"pairs": [stays], "of": 2}), ({"signal": "x"}, {}), ({"model_id": 1}, None),
        ({"number": 1}, {"pairs": 2}),
    ]  # fmt: skip
