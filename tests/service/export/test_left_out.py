"""Pairs that a trainer can't take: they refuse an export, or are left out and named."""

from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from service.export import manifest
from service.export.verify import verify
from tests.service.export.exporting import exported, refused
from tests.workers.test_replaying import uploaded

pytestmark = pytest.mark.usefixtures("rung")


def lines(empty: int, good: int) -> bytes:
    rows = [
        {
            "id": f"r{i}",
            "prompt": f"What is {i}?",
            "chosen": f"{i} it is",
            "rejected": "I see no sum",
        }
        for i in range(good)
    ]
    rows += [
        {"id": f"e{i}", "prompt": f"And {i}?", "chosen": "so", "rejected": " "}
        for i in range(empty)
    ]
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def test_pairs_with_an_empty_answer_are_named_and_the_others_leave(
    client: TestClient, tmp_path: Path
) -> None:
    owner, out = f"datasets/{uploaded(client, 'few empty', lines(2, 20))}", tmp_path / "out"
    problem = refused(client, owner, layout="trl_preference")
    assert problem["code"] == "preflight_failed"
    assert "an answer has no text (2: " in problem["detail"]
    assert problem["detail"].endswith(
        "leave_out (--leave-out) leaves such pairs out and names them in left_out.jsonl"
    )
    found = exported(client, owner, out, layout="trl_preference", leave_out=True)
    named = [orjson.loads(line) for line in (out / "left_out.jsonl").read_bytes().splitlines()]
    assert [(each["code"], each["message"]) for each in named] == [
        ("empty_answer", "an answer has no text")
    ] * 2
    assert all(each["split"] in ("train", "test") for each in named)
    pairs = pq.read_table(out / "provenance")["pair_id"].to_pylist()
    assert (found["rows"], len(pairs)) == (20, 20)
    assert not {each["pair_id"] for each in named} & {*pairs}
    described = manifest.load(out)
    assert described["pairs_left_out"] == {"empty_answer": 2}
    assert "Left out: 2 pairs that it can't take: `left_out.jsonl` has why." in (
        out / "README.md"
    ).read_text("utf-8")
    assert verify(out) == []
    checked = orjson.loads((out / "preflight.json").read_bytes())
    assert (checked["rows"], [each["code"] for each in checked["findings"]]) == (
        20, ["pair_left_out"],
    )  # fmt: skip


def test_where_nothing_is_wrong_leaving_out_changes_nothing_and_where_all_is_says_so(
    client: TestClient, tmp_path: Path
) -> None:
    good = f"datasets/{uploaded(client, 'all good', lines(0, 12))}"
    for name, asked in (("plain", False), ("asked", True)):
        exported(client, good, tmp_path / name, layout="openrlhf", leave_out=asked)
    plain, other = (manifest.load(tmp_path / name) for name in ("plain", "asked"))
    assert plain["files"] == other["files"]
    assert "pairs_left_out" not in other
    bad = f"datasets/{uploaded(client, 'all empty', lines(3, 0))}"
    problem = refused(client, bad, layout="trl_preference", leave_out=True)
    assert (problem["code"], problem["detail"]) == (
        "nothing_to_export", "all 3 pairs are left out: an answer has no text",
    )  # fmt: skip
