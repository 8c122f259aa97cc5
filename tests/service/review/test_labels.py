"""`labels=raw|consensus|denoised` on reads of pairs: an overlay that changes nothing stored."""

from typing import Any

import orjson
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from service.tables.pairs import Pair
from tests.service.review.reviewing import SKILLS, audited, decide, got, judged, queue, reviewable
from tests.workers.test_replaying import asked, lines, run, uploaded

pytestmark = pytest.mark.usefixtures("rung")
TEXTS = ("chosen", "rejected")


def pages(client: TestClient, dataset: str, labels: str, **query: Any) -> dict[str, dict[str, Any]]:
    """All pairs by id, read in pages of seven."""
    found: dict[str, dict[str, Any]] = {}
    cursor: dict[str, str] = {}
    while True:
        wanted = {"labels": labels, "limit": 7, **query, **cursor}
        page = client.get(f"/api/v1/datasets/{dataset}/pairs", params=wanted).json()
        found |= {each["id"]: each for each in page["items"]}
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def turned(pair: dict[str, Any], raw: dict[str, Any]) -> bool:
    sides = [pair[side]["id"] for side in TEXTS]
    assert sorted(sides) == sorted(raw[side]["id"] for side in TEXTS)
    return sides != [raw[side]["id"] for side in TEXTS]


@pytest.fixture
def dataset(client: TestClient) -> str:
    """Of 24 lines the last two are split, and so no pairs; a pair a line else."""
    return reviewable(client, "labels", judged(24, ties=2))


def test_raw_labels_are_what_is_read_without_asking(client: TestClient, dataset: str) -> None:
    plain = got(client, f"/datasets/{dataset}/pairs")
    assert got(client, f"/datasets/{dataset}/pairs", labels="raw") == plain
    assert {each["label"] for each in plain["items"]} == {None}
    assert plain["left_out"] is None


def test_consensus_is_what_the_annotators_say_by_what_they_are_worth(client: TestClient) -> None:
    """Each judgment became a pair of its own: they contradict each other, the consensus never."""
    dataset = uploaded(client, "votes", judged(24))
    asked(client, f"/datasets/{dataset}/pair-builds", {"policy": "each_judgment"})
    audited(client, dataset)
    raw, consensus = (pages(client, dataset, labels) for labels in ("raw", "consensus"))
    assert {*raw} == {*consensus}
    sides: dict[str, set[str]] = {}
    for id, pair in consensus.items():
        assert pair["label"]["by"] == "consensus"
        assert pair["label"]["flipped"] == turned(pair, raw[id])
        assert 0.5 <= pair["label"]["p_chosen"] == pair["soft_label"] <= 1
        if pair["label"]["says"] == "chosen":  # a split vote is a tie, whichever was chosen
            sides.setdefault(pair["prompt_id"], set()).add(pair["chosen"]["id"])
    assert {len(each) for each in sides.values()} == {1}


def test_a_verdict_turns_ties_and_leaves_out_denoised_pairs_only(
    client: TestClient, session: Session, dataset: str
) -> None:
    raw = pages(client, dataset, "raw")
    before = pages(client, dataset, "denoised")
    items = {each["pair_id"]: each for each in queue(client, dataset) if each["pair_id"]}
    one, two, three, four = list(items)[:4]
    other = {"a": "b", "b": "a"}
    decide(client, dataset, one, other[items[one]["label"]])
    decide(client, dataset, two, items[two]["label"])
    decide(client, dataset, three, "tie")
    decide(client, dataset, four, "both_bad")
    found = pages(client, dataset, "denoised")
    assert {*raw} - {*found} == {four}
    assert turned(found[one], raw[one])
    assert found[one]["label"] == {
        "says": "chosen", "flipped": True, "p_chosen": 1, "by": "verdict"
    }  # fmt: skip
    assert not turned(found[two], raw[two])
    assert found[two]["soft_label"] == 1
    assert (found[three]["label"]["says"], found[three]["soft_label"]) == ("tie", 0.5)
    alone = got(client, f"/datasets/{dataset}/pairs/{four}", labels="denoised")
    assert alone["label"]["says"] == "both_bad"
    assert pages(client, dataset, "denoised", labels_version=0) == before
    assert {*pages(client, dataset, "denoised", labels_version=3)} == {*raw}
    assert pages(client, dataset, "raw") == raw
    page = got(client, f"/datasets/{dataset}/pairs", labels="denoised")
    assert page["left_out"] == {"both_bad": 1}
    asked(client, f"/datasets/{dataset}/verdicts/4/undo", {"author": "eve"})
    assert {*pages(client, dataset, "denoised")} == {*raw}


def test_streams_and_fields_say_the_same_as_pages(client: TestClient, dataset: str) -> None:
    items = [each for each in queue(client, dataset) if each["pair_id"]]
    for item, verdict in zip(items, ("a", "b", "tie", "both_bad", "a", "b"), strict=False):
        decide(client, dataset, item["id"], verdict)
    wanted = pages(client, dataset, "denoised")
    path = f"/api/v1/datasets/{dataset}/pairs"
    answer = client.get(f"{path}.ndjson?labels=denoised")
    rows = [orjson.loads(line) for line in answer.content.splitlines()]
    with pa.ipc.open_stream(client.get(f"{path}.arrow?labels=denoised").content) as stream:
        arrow = stream.read_all().to_pylist()
    fields = "pair_id,chosen,rejected,chosen.length"
    named = got(client, f"/datasets/{dataset}/pairs", labels="denoised", fields=fields)
    assert named["left_out"] == {"both_bad": 1}
    assert next({*row} for row in named["items"]) == {*fields.split(","), "label", "p_chosen"}
    for found in (rows, arrow, named["items"]):
        assert [row["pair_id"] for row in found] == [*wanted]
        for row in found:
            pair = wanted[row["pair_id"]]
            for side in TEXTS:
                assert row[side][0]["content"] == pair[side]["text"]
            assert row["label"] == pair["label"]["says"]
            assert row["p_chosen"] == pair["soft_label"]
    kept = client.get(f"{path}.ndjson?labels=denoised&where=agreement=1&fields=pair_id")
    raw = pages(client, dataset, "raw", where="agreement = 1")
    assert {orjson.loads(line)["pair_id"] for line in kept.content.splitlines()} == {*raw} & {
        *wanted
    }


def test_audits_actions_are_applied_and_doubts_become_soft_labels(client: TestClient) -> None:
    """Ada, Bo and Cy are verified to be right where Di is alone with many copies of herself."""
    crowd = [f"di {i}" for i in range(4)]
    dataset = reviewable(client, "actions", contradicted(crowd), anchors=30)
    raw, found = (pages(client, dataset, labels) for labels in ("raw", "denoised"))
    items = {each["pair_id"]: each for each in queue(client, dataset)}
    actions = {id: each["action"] for id, each in items.items()}
    assert {"flip", "soften"} & {*actions.values()}
    for id, pair in found.items():
        action, said = actions.get(id), pair["label"]
        if action == "soften":
            assert (said["by"], said["flipped"]) == ("audit", False)
            assert said["p_chosen"] == pytest.approx(max(items[id]["p_correct"], 0.5))
        elif action is not None:
            assert said["flipped"] == turned(pair, raw[id]) == (action == "flip")


def contradicted(crowd: list[str]) -> bytes:
    rows = [orjson.loads(line) for line in judged(80).splitlines()]
    for at, row in enumerate(rows):
        [better] = row["gold"]["better"]
        said = better if at % 3 else {"a": "b", "b": "a"}[better]
        row["comparisons"] = [each for each in row["comparisons"] if each["annotator"] in SKILLS]
        row["comparisons"] += [
            {"a": "a", "b": "b", "outcome": said, "annotator": name} for name in crowd
        ]
    return b"\n".join(map(orjson.dumps, rows))


def test_pairs_that_the_audit_did_not_read_keep_their_labels(client: TestClient) -> None:
    dataset = reviewable(client, "later", judged(20))
    later = client.post(f"/api/v1/datasets/{dataset}/uploads?filename=y.jsonl", content=lines(5))
    run(later.json()["job"])
    found = pages(client, dataset, "consensus")
    assert [each["label"]["by"] for each in found.values()].count("raw") == 5


def test_without_an_audit_or_after_an_erasure_there_are_raw_labels_only(
    client: TestClient,
) -> None:
    dataset = uploaded(client, "raw only", judged(20), judged(20, asks="Other"))
    path = f"/datasets/{dataset}/pairs"
    assert got(client, path, 409, labels="denoised")["code"] == "no_audit"
    audit = audited(client, dataset)
    assert got(client, path, labels="denoised", labels_audit=audit)["items"]
    assert got(client, path, 404, labels="denoised", labels_version=1)["status"] == 404
    upload = got(client, f"/datasets/{dataset}/uploads")["items"][0]["id"]
    asked(client, f"/datasets/{dataset}/erasures", {"upload_id": upload})
    for query in ({}, {"labels_audit": audit}):
        for where in (path, f"{path}.ndjson"):
            problem = got(client, where, 409, labels="denoised", **query)
            assert problem["code"] == "audit_erased"
    assert got(client, path)["items"]


def test_the_overlay_of_a_page_reads_no_pair_that_is_gone(
    client: TestClient, session: Session, dataset: str
) -> None:
    before = pages(client, dataset, "denoised")
    gone = next(iter(before))
    session.delete(session.get_one(Pair, (dataset, gone)))
    session.commit()
    answer = client.get(f"/api/v1/datasets/{dataset}/pairs.ndjson?labels=denoised")
    rows = [orjson.loads(line)["pair_id"] for line in answer.content.splitlines()]
    assert rows == [id for id in before if id != gone]
