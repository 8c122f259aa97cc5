"""Exports with other labels than the raw ones: written, verified, replayed."""

import uuid
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from service import files
from service.export.verify import verify
from service.tables.subsets import Export
from tests.service.review.reviewing import audited, decide, got, judged, queue, reviewable
from tests.service.review.test_labels import contradicted, pages
from tests.workers.test_replaying import asked, exported, replayed, selected, uploaded

pytestmark = pytest.mark.usefixtures("rung")
OTHER = {"a": "b", "b": "a"}


def folder_of(client: TestClient, session: Session, place: str, out: Path, **wanted: Any) -> Path:
    """A new export, unpacked."""
    made = asked(client, f"/{place}/exports", wanted)["export"]["id"]
    found = session.get_one(Export, uuid.UUID(made), populate_existing=True)
    assert found.state == "ready"
    for name, facts in (found.files or {}).items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        with files.open(facts["key"]) as file:
            (out / name).write_bytes(file.read())
    return out


def rows_of(folder: Path, part: str = "data") -> list[dict[str, Any]]:
    paths = sorted((folder / part).glob("*.parquet"))
    return [row for path in paths for row in pq.ParquetFile(path).read().to_pylist()]


def reviewed(client: TestClient, name: str, *contents: bytes, **options: Any) -> str:
    """With a flip, a confirmation, a tie and a pair that is bad on both sides."""
    dataset = reviewable(client, name, *contents, **options)
    items = [each for each in queue(client, dataset) if each["pair_id"]]
    first = items[0]["label"]
    verdicts = (OTHER[first], items[1]["label"], "tie", "both_bad")
    for item, verdict in zip(items, verdicts, strict=False):
        decide(client, dataset, item["id"], verdict)
    return dataset


@pytest.mark.parametrize("layout", ["huggingface", "trl_preference"])
def test_an_export_holds_what_the_pages_say_and_verifies(
    client: TestClient, session: Session, tmp_path: Path, layout: str
) -> None:
    dataset = reviewed(client, "export", contradicted(["di 1", "di 2"]), anchors=30)
    asked_for = {"layout": layout, "labels": "denoised", "test_fraction": 0.3}
    folder = folder_of(client, session, f"datasets/{dataset}", tmp_path, **asked_for)
    assert verify(folder) == []
    wanted = pages(client, dataset, "denoised")
    wanted = {id: each for id, each in wanted.items() if each["label"]["says"] == "chosen"}
    told, from_where = rows_of(folder), rows_of(folder, "provenance")
    places = told if layout == "huggingface" else from_where
    assert {row["pair_id"] for row in places} == {*wanted}
    for row, place in zip(told, places, strict=True):
        pair = wanted[place["pair_id"]]
        for side in ("chosen", "rejected"):
            assert row[side][-1]["content"] == pair[side]["text"]
        assert place["flipped"] == float(pair["label"]["flipped"])
        assert place["soft_label"] == pair["soft_label"]
    assert 1.0 in {row["flipped"] for row in places}


def test_the_manifest_and_the_card_say_which_labels_at_which_version(
    client: TestClient, session: Session, tmp_path: Path
) -> None:
    dataset = reviewed(client, "said", judged(24))
    folder = folder_of(client, session, f"datasets/{dataset}", tmp_path, labels="denoised")
    manifest = exported(client, session, f"datasets/{dataset}", labels="denoised")
    said = manifest["labels"]
    assert (said["of"], said["version"]) == ("denoised", 4)
    assert (said["counts"]["both_bad"], said["counts"]["tie"], said["left_out"]) == (1, 1, 2)
    assert (said["audit"]["method"], said["audit"]["anchors"]) == ("glad", 0)
    assert "Labels: denoised, version 4 of the verdicts." in (folder / "README.md").read_text()
    assert "labels" not in exported(client, session, f"datasets/{dataset}")


def test_a_replay_has_the_same_labels_whatever_was_decided_since(
    client: TestClient, session: Session
) -> None:
    dataset = reviewed(client, "replay", judged(24))
    subset = selected(client, dataset, budget="20")
    manifests = [
        exported(client, session, place, labels=labels)
        for place, labels in (
            (f"datasets/{dataset}", "denoised"),
            (f"subsets/{subset}", "consensus"),
        )
    ]
    decide(client, dataset, queue(client, dataset)[0]["id"], "both_bad")
    asked(client, f"/datasets/{dataset}/verdicts/1/undo", {"author": "eve"})
    audited(client, dataset, seed=5)
    for manifest in manifests:
        assert replayed(client, manifest) == {"same": True, "changes": []}
    now = exported(client, session, f"datasets/{dataset}", labels="denoised")
    assert now["labels"]["version"] == 6
    assert now["labels"]["sha256"] != manifests[0]["labels"]["sha256"]


def test_weights_say_how_sure_a_label_is_where_a_layout_takes_no_soft_labels(
    client: TestClient, session: Session, tmp_path: Path
) -> None:
    dataset = reviewable(client, "weights", judged(24))
    wanted = {"layout": "sft", "labels": "consensus"}
    folder = folder_of(client, session, f"datasets/{dataset}", tmp_path, **wanted)
    raw = pages(client, dataset, "consensus")
    for row in rows_of(folder, "provenance"):
        p = raw[row["pair_id"]]["label"]["p_chosen"]
        assert row["weight"] == pytest.approx(2 * p - 1)
    weights = [row["weight"] for row in rows_of(folder)]
    assert weights == [row["weight"] for row in rows_of(folder, "provenance")]


def test_what_can_not_be_told_is_refused(client: TestClient) -> None:
    dataset = uploaded(client, "refused", judged(20), judged(20, asks="Other"))
    path = f"/api/v1/datasets/{dataset}/exports"

    def refused(status: int, **body: Any) -> str:
        answer = client.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()["code"]

    assert refused(409, labels="denoised") == "no_audit"
    audited(client, dataset)
    assert refused(422, labels="denoised", layout="prompts") == "wrong_options"
    assert refused(404, labels="denoised", labels_version=3) == "not_found"
    assert refused(409, labels="denoised", labels_sha256="0" * 64) == "no_such_audit"
    upload = got(client, f"/datasets/{dataset}/uploads")["items"][0]["id"]
    asked(client, f"/datasets/{dataset}/erasures", {"upload_id": upload})
    for labels in ("consensus", "denoised"):
        assert refused(409, labels=labels) == "audit_erased"
