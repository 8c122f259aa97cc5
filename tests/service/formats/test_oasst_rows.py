"""Flat rows of OpenAssistant's become the trees that they were taken from, one at a time."""

import gzip
import random
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from service.formats import FORMATS, Record, RowError, recognise
from service.ingest import gathering
from service.ingest.gathering import gathered
from service.labels.records import load_records
from service.reading.json_lines import Row
from tests.service.formats.meaning import meaning
from tests.service.intake.uploading import ingested, new_dataset

OASST = FORMATS["oasst"]


def message(id: str, parent: str | None, role: str = "", tree: str = "t", **more: Any) -> Any:
    role = role or ("prompter" if id.startswith(("t", "p")) else "assistant")
    said = {"message_id": id, "parent_id": parent, "text": f"text of {id}", "role": role}
    return {**said, "message_tree_id": tree, **more}


TREE = [
    message("t", None, tree_state="ready_for_export"),
    message("a1", "t", rank=0, labels={"name": ["spam"], "value": [0.0], "count": [3]}),
    message("a2", "t", rank=1),
    message("p1", "a1"),
    message("a3", "p1"),
]


def taken(rows: list[Any]) -> tuple[list[Record], list[tuple[int, str]]]:
    """The records, and line and code of each reject."""
    records: list[Record] = []
    rejects: list[tuple[int, str]] = []
    for row in gathered((Row(i, row, b"") for i, row in enumerate(rows, start=1)), OASST):
        if isinstance(row.value, RowError):
            rejects.append((row.line, row.value.code))
        else:
            records += OASST.read_all(row.value)
    return records, rejects


def test_rows_of_a_tree_are_its_prompts_with_their_ranked_answers() -> None:
    (first, second), rejects = taken(TREE)
    assert rejects == []
    assert [each.id for each in first.responses] == ["a1", "a2"]
    assert first.rankings[0].tiers == [["a1"], ["a2"]]
    assert first.ratings[0].aspect == "spam"
    assert [each["content"] for each in second.messages] == [
        "text of t", "text of a1", "text of p1",
    ]  # fmt: skip
    assert first.extra["tree_state"] == "ready_for_export"


def test_rows_in_any_order_make_the_same_tree() -> None:
    expected = meaning(taken(TREE)[0])
    for seed in range(20):
        mixed = random.Random(seed).sample(TREE, len(TREE))
        assert meaning(taken(mixed)[0]) == expected


def test_a_message_without_its_parent_is_a_reject_with_all_below_it() -> None:
    records, rejects = taken([row for row in TREE if row["message_id"] != "a1"])
    assert rejects == [(3, "orphan_message"), (4, "orphan_message")]
    assert [each.id for record in records for each in record.responses] == ["a2"]


def test_rows_of_a_tree_that_lie_apart_are_orphans() -> None:
    other = [message("t2", None, tree="t2"), message("a9", "t2", tree="t2")]
    records, rejects = taken([*TREE[:2], *other, *TREE[2:]])
    assert rejects == [(5, "orphan_message"), (6, "orphan_message"), (7, "orphan_message")]
    assert [len(record.responses) for record in records] == [1, 1]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (message("a1", "t"), "duplicate_id"),
        (message("t7", None), "orphan_message"),
        (message("p7", "t"), "orphan_message"),  # the prompter after the prompter
        (message("x", "y", "assistant"), "orphan_message"),
        (message("x", "x", "assistant"), "orphan_message"),  # its own parent
        (message("x", "t", "narrator"), "wrong_type"),
        (message("a7", "t", rank="best"), "wrong_type"),
        (message("a7", "t", labels={"name": ["spam"], "value": []}), "wrong_length"),
        (message("a7", "t") | {"text": None}, "missing_field"),
    ],
)
def test_a_wrong_row_is_a_reject_and_the_others_are_a_tree(row: Any, code: str) -> None:
    records, rejects = taken([*TREE, row])
    assert rejects == [(6, code)]
    assert meaning(records) == meaning(taken(TREE)[0])


def test_a_chain_is_as_deep_as_two_hundred_messages() -> None:
    chain = [message("t", None)] + [
        message(f"{'pa'[i % 2]}{i}", "t" if i == 1 else f"{'pa'[(i - 1) % 2]}{i - 1}")
        for i in range(1, 300)
    ]
    records, rejects = taken(chain)
    assert (len(records), len(rejects)) == (100, 99)


def test_a_labelled_prompt_without_answers_keeps_its_labels() -> None:
    given = {"name": ["quality"], "value": [0.5], "count": [2]}
    [record], rejects = taken([message("t", None, labels=given)])
    assert (rejects, record.responses) == ([], ())
    assert [(each.aspect, each.value, each.turn) for each in record.ratings] == [
        ("quality", 0.5, 0)
    ]
    assert [again for row in OASST.write(record) for again in OASST.read_all(row)] == [record]


def test_a_tree_is_held_up_to_a_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MAX_ROWS", 3)
    records, rejects = taken(TREE)
    assert rejects == [(4, "too_many_rows"), (5, "too_many_rows")]
    assert len(records) == 1


def test_only_one_tree_is_held_at_a_time() -> None:
    read: list[int] = []

    def rows() -> Iterator[Row]:
        for i in range(1000):
            read.append(i)
            yield Row(i + 1, message(f"t{i}", None, tree=f"t{i}"), b"")

    found = gathered(rows(), OASST)
    assert next(found).line == 1
    assert len(read) == 2


@pytest.mark.usefixtures("rung")
def test_every_row_of_an_upload_is_counted_and_orphans_are_named(
    client: TestClient, session: Session
) -> None:
    rows = [*TREE, message("x", "nobody", "assistant")]
    dataset = new_dataset(client)
    upload = ingested(client, dataset, b"".join(orjson.dumps(row) + b"\n" for row in rows))
    assert (upload["layout"], upload["rows_in"], upload["rejected"]) == ("oasst", 6, 1)
    found = client.get(f"/api/v1/uploads/{upload['id']}/rejects").text.splitlines()
    [reject] = [orjson.loads(line) for line in found]
    assert (reject["line"], reject["field"], reject["code"]) == (6, "parent_id", "orphan_message")
    assert reject["raw"] == orjson.dumps(rows[5]).decode()
    stored = [each.record for each in load_records(session, uuid.UUID(dataset))]
    assert stored == taken(TREE)[0]


def flat(tree: dict[str, Any]) -> list[dict[str, Any]]:
    """The tree as the published flat files have it: labels as lists."""
    rows: list[dict[str, Any]] = []
    waiting = [tree["prompt"]]
    while waiting:
        node = waiting.pop(0)
        labels = node.get("labels")
        table = labels and {
            "name": list(labels),
            "value": [each["value"] for each in labels.values()],
            "count": [each["count"] for each in labels.values()],
        }
        rest = {name: value for name, value in node.items() if name not in ("replies", "labels")}
        of_tree = {name: tree[name] for name in ("message_tree_id", "tree_state")}
        rows.append({**rest, **({"labels": table} if table else {}), **of_tree})
        waiting += node["replies"]
    return rows


@pytest.mark.realdata
def test_the_published_trees_cut_into_rows_are_the_same_records(data: Path) -> None:
    content = gzip.decompress((data / "oasst" / "en_100_tree.jsonl.gz").read_bytes())
    trees = [orjson.loads(line) for line in content.splitlines()]
    rows = [row for tree in trees for row in flat(tree)]
    found = recognise(rows[:100])
    assert found is not None
    assert found[0] is OASST
    records, rejects = taken(rows)
    assert (len(records), rejects) == (254, [])
    assert meaning(records) == meaning(each for tree in trees for each in OASST.read_all(tree))
