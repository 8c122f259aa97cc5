"""Records with other labels than the raw ones: streamed, and exported in layouts of records."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from service.export.contests import contests
from service.export.verify import verify
from service.formats.record import Annotator, Comparison, Record, Relabel, Response
from service.tables.labels import Outcome
from tests.service.review.reviewing import decide, got, judged, queue, reviewable
from tests.service.review.test_exports import folder_of, rows_of
from tests.workers.test_replaying import exported, replayed

pytestmark = pytest.mark.usefixtures("rung")
OTHER = {"a": "b", "b": "a"}


def streamed(client: TestClient, dataset: str, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/datasets/{dataset}/records.ndjson", params=query)
    assert answer.status_code == 200, answer.text
    return [orjson.loads(line) for line in answer.content.splitlines()]


def decided(client: TestClient, name: str) -> tuple[str, list[dict[str, Any]]]:
    """A dataset with a flip, a confirmation, a tie and a pair that is bad on both sides."""
    dataset = reviewable(client, name, judged(24))
    items = [each for each in queue(client, dataset) if each["pair_id"]][:4]
    flip, same = OTHER[items[0]["label"]], items[1]["label"]
    for item, said in zip(items, (flip, same, "tie", "both_bad"), strict=True):
        decide(client, dataset, item["id"], said, reason=f"it is {said}")
    return dataset, items


def test_a_consensus_adds_one_signed_label_a_pair_and_leaves_the_others(
    client: TestClient,
) -> None:
    dataset, _ = decided(client, "consensus")
    raw, told = streamed(client, dataset), streamed(client, dataset, labels="consensus")
    assert [{**each, "comparisons": each["comparisons"][:-1]} for each in told] == raw
    pages = got(client, f"/datasets/{dataset}/pairs", labels="consensus", limit=100)["items"]
    sides = {each["source"]["line"]: each["chosen"]["text"] for each in pages}
    for line, record in enumerate(told, start=1):
        last = record["comparisons"][-1]
        assert last["annotator"].startswith("prefsift consensus (audit ")
        assert last["annotator_kind"] == "rule"
        texts = {each["id"]: each["text"] for each in record["responses"]}
        if last["outcome"] in OTHER:
            assert texts[last[last["outcome"]]] == sides[line]
            assert last["rationale"].startswith("P = ")


def test_a_verdict_is_signed_by_its_author_with_its_version_and_reason(client: TestClient) -> None:
    dataset, items = decided(client, "denoised")
    raw, told = streamed(client, dataset), streamed(client, dataset, labels="denoised")
    wanted = (OTHER[items[0]["label"]], items[1]["label"], "tie", "both_bad")
    for version, (item, said) in enumerate(zip(items, wanted, strict=True), start=1):
        at = item["source"]["line"] - 1
        (last,) = told[at]["comparisons"][len(raw[at]["comparisons"]) :]
        assert (last["annotator"], last["annotator_kind"]) == (f"eve (verdict {version})", "human")
        assert (last["outcome"], last["rationale"]) == (said, f"it is {said}")
    settled = {item["source"]["line"] - 1 for item in items}
    kept = [at for at in range(24) if at not in settled and told[at] == raw[at]]
    assert kept
    before = streamed(client, dataset, labels="denoised", labels_version=0)
    said = [each["annotator"] for record in before for each in record["comparisons"]]
    assert not any("verdict" in annotator for annotator in said)


def test_the_pairs_of_a_view_have_the_labels_of_the_pages(client: TestClient) -> None:
    dataset, _ = decided(client, "viewed")
    path = f"/datasets/{dataset}/views/all"
    assert client.put(f"/api/v1{path}", json={"where": "votes >= 1"}).status_code < 300
    pages = got(client, f"/datasets/{dataset}/pairs", labels="denoised", limit=100)["items"]
    found = got(client, f"{path}/pairs", labels="denoised", limit=100)["items"]
    assert [(each["id"], each["label"]) for each in found] == [
        (each["id"], each["label"]) for each in pages
    ]


def test_a_layout_that_says_pairs_says_them_as_the_labels_decide(
    client: TestClient, session: Session, tmp_path: Path
) -> None:
    dataset, items = decided(client, "judge")
    wanted = {"layout": "reward_votes", "labels": "denoised", "test_fraction": 0.2}
    folder = folder_of(client, session, f"datasets/{dataset}", tmp_path / "votes", **wanted)
    assert verify(folder) == []
    first = items[0]
    better = first[OTHER[first["label"]]]["text"]
    rows = {row["chosen"][-1]["content"]: row for row in rows_of(folder)}
    assert (rows[better]["soft_label"], rows[better]["margin"]) == (1.0, None)
    for tie in items[2:]:
        assert not {tie["a"]["text"], tie["b"]["text"]} & {*rows}
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    assert {"both_bad": 1, "flip": 1, "tie": 1}.items() <= manifest["labels"]["counts"].items()
    assert "Labels: denoised, version 4 of the verdicts. " in (folder / "README.md").read_text()
    native = {"layout": "native", "labels": "consensus"}
    folder = folder_of(client, session, f"datasets/{dataset}", tmp_path / "native", **native)
    assert verify(folder) == []
    assert orjson.loads((folder / "manifest.json").read_bytes())["labels"]["of"] == "consensus"


def test_a_replay_of_records_has_the_same_labels(client: TestClient, session: Session) -> None:
    dataset, items = decided(client, "replayed")
    wanted = {"layout": "judge", "labels": "denoised"}
    manifest = exported(client, session, f"datasets/{dataset}", **wanted)
    decide(client, dataset, items[1]["id"], "both_bad")
    assert replayed(client, manifest) == {"same": True, "changes": []}


def test_a_layout_without_pairs_takes_no_labels(client: TestClient) -> None:
    dataset = reviewable(client, "no pairs", judged(20))
    for layout in ("prompts", "aspect_scores", "personal", "ranked"):
        body = {"layout": layout, "labels": "consensus"}
        answer = client.post(f"/api/v1/datasets/{dataset}/exports", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "wrong_options")
        assert "judge" in answer.json()["detail"]
    answer = client.get(
        f"/api/v1/datasets/{dataset}/records.ndjson",
        params={"layout": "trl_preference", "labels": "consensus"},
    )
    assert answer.json()["code"] == "not_expressible"


def record(*overlay: Relabel) -> Record:
    who, other = Annotator("x"), Annotator("y")
    return Record(
        [{"role": "user", "content": "?"}],
        (Response("1", "one"), Response("2", "two")),
        (
            Comparison(who, a="1", b="2", outcome=Outcome.a, strength=2.0),
            Comparison(other, a="2", b="1", outcome=Outcome.b),
        ),
        overlay=overlay,
    )


def test_an_overlay_decides_a_contest_whichever_side_it_names_first() -> None:
    (raw,) = contests(record())
    assert (raw.better.id, raw.soft_label, raw.margin, raw.decided) == ("1", 1.0, 2.0, False)
    for a, b, outcome in (("1", "2", Outcome.b), ("2", "1", Outcome.a)):
        (found,) = contests(record(Relabel(a=a, b=b, outcome=outcome, p=0.8)))
        assert (found.better.id, found.soft_label, found.margin) == ("2", 0.8, None)
        assert {each.outcome for each in found.comparisons} == {Outcome.b}
    (softer,) = contests(record(Relabel(a="1", b="2", outcome=Outcome.a, p=0.7)))
    assert (softer.better.id, softer.soft_label, softer.margin) == ("1", 0.7, 2.0)
    (tie,) = contests(record(Relabel(a="1", b="2", outcome=Outcome.tie)))
    assert tie.is_tie
    assert [*contests(record(Relabel(a="1", b="2", drop=True)))] == []
