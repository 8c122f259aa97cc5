"""`fields=` and `where=`: pages, lines and Arrow give the same columns of the same pairs."""

import uuid
from collections.abc import Iterator
from typing import Any

import orjson
import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from service.filters.fields import PAIR
from service.tables.access import Workspace
from service.tables.datasets import Dataset
from service.viewer import streams
from service.viewer.blocks import Page
from tests.service.filters.test_query import record
from tests.service.intake.uploading import ingested, new_dataset
from tests.service.viewer.scored import OUTPUTS, add_style
from tests.workers.dataset import add_dataset

pytestmark = pytest.mark.usefixtures("rung")
SCORE = f"style.{OUTPUTS[0]}"


@pytest.fixture
def filled(client: TestClient) -> str:
    dataset = new_dataset(client)
    rows = [record(i) for i in range(48)]
    ingested(client, dataset, b"".join(orjson.dumps(each) + b"\n" for each in rows))
    return f"/api/v1/datasets/{dataset}"


@pytest.fixture
def scored(session: Session, workspace: Workspace) -> Dataset:
    dataset = add_dataset(session, workspace, 40)
    add_style(session, dataset)
    return dataset


def page(client: TestClient, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(f"{path}/pairs", params={"limit": 1000, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def lines(client: TestClient, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(f"{path}/pairs.ndjson", params=query)
    assert answer.status_code == 200, answer.text
    return [orjson.loads(line) for line in answer.content.split(b"\n")[:-1]]


def arrow(client: TestClient, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(f"{path}/pairs.arrow", params=query)
    assert answer.status_code == 200, answer.text
    return pa.ipc.open_stream(answer.content).read_all().to_pylist()


def test_every_field_of_the_language_is_a_column(client: TestClient, filled: str) -> None:
    """What a filter compares is what a column holds, as text where JSON has no more digits."""
    names = [name for name in PAIR if name != "position"]
    pairs = page(client, filled)
    found = page(client, filled, fields=",".join(names))
    assert [list(row) for row in found] == [names] * len(pairs)
    for pair, row in zip(pairs, found, strict=True):
        chosen = pair["chosen"]
        prompt = "\n".join(message["content"] for message in pair["prompt"])
        assert row["id"] == pair["id"]
        assert (row["chosen.text"], row["chosen.model"]) == (chosen["text"], chosen["model"])
        assert (row["chosen.length"], row["prompt.text"]) == (len(chosen["text"]), prompt)
        assert (row["source.line"], row["votes"]) == (pair["source"]["line"], pair["votes"])
        assert row["margin"] == pair["margin"]
    assert lines(client, filled, fields=",".join(names)) == found
    assert arrow(client, filled, fields=",".join(names)) == found


def test_metadata_keeps_its_types_and_has_no_other_name(client: TestClient, filled: str) -> None:
    names = "pair_id,metadata.n,metadata.tag,metadata.deep.er,metadata.none,metadata.o'\"\\{}%"
    found = page(client, filled, fields=names)
    by_line = page(client, filled, fields="source.line,metadata.n")
    for row, line in zip(found, by_line, strict=True):
        said = record(int(line["source.line"]) - 1)["metadata"]
        expected = [said["n"], said.get("tag"), said["deep"]["er"], None, None]
        assert list(row.values())[1:] == expected
        assert line["metadata.n"] == said["n"]
    assert lines(client, filled, fields=names) == found
    texts = arrow(client, filled, fields="metadata.n,metadata.tag")
    written = {True: "true", False: "false", None: None}
    assert [row["metadata.tag"] for row in texts] == [
        written.get(row["metadata.tag"], str(row["metadata.tag"])) for row in found
    ]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("chosen.modle", ["chosen.model"]), ("vots", ["votes"]), ("key_hash", []),
        ("metadata", []), ("metadata.", []), ("", []), ("pair_id;", ["pair_id"]),
    ],
)  # fmt: skip
def test_an_unknown_field_is_named_with_those_near(
    name: str, near: list[str], client: TestClient, filled: str
) -> None:
    for path in ("pairs", "pairs.ndjson", "pairs.arrow"):
        answer = client.get(f"{filled}/{path}", params={"fields": f"votes,{name}"})
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_field")
        assert answer.json()["field"] == name
        assert answer.json()["near"][:1] == near
    asked = {"fields": ["votes", name]}
    assert client.post(f"{filled}/pairs/query", json=asked).json()["field"] == name


def test_there_is_a_limit_of_columns(client: TestClient, filled: str) -> None:
    names = [f"metadata.x{i}" for i in range(64)]
    assert set(page(client, filled, fields=",".join(names))[0].values()) == {None}
    answer = client.get(f"{filled}/pairs", params={"fields": ",".join([*names, "votes"])})
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_fields")


WHERES = [
    "votes = 2", "chosen.model IN ('m1', 'm2') AND chosen.length > rejected.length", "FALSE",
    "ANY(judgment, annotator.name = 'bob')", "metadata.n >= 2 OR source.filename = 'x'",
]  # fmt: skip


@pytest.mark.parametrize("where", WHERES)
def test_streams_hold_the_pairs_that_a_filter_keeps(
    where: str, client: TestClient, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = "pair_id,chosen.text,votes"
    expected = page(client, filled, where=where, fields=names)
    assert lines(client, filled, where=where, fields=names) == expected
    assert arrow(client, filled, where=where, fields=names) == expected

    def few(_: list[int]) -> Iterator[Page]:
        yield Page(limit=3)  # kept rows at a time

    monkeypatch.setattr(streams, "pages", few)
    assert lines(client, filled, where=where, fields=names) == expected


def test_scores_filter_and_are_columns(client: TestClient, scored: Dataset) -> None:
    path, where = f"/api/v1/datasets/{scored.id}", f"{SCORE} > 0 OR {SCORE} IS NULL"
    found = page(client, path, where=where, fields=f"pair_id,{SCORE},style")
    assert 8 < len(found) < 40
    assert all(row[SCORE] is None or row[SCORE] > 0 for row in found)
    assert all(row["style"] == row[SCORE] for row in found)
    assert lines(client, path, where=where, fields=f"pair_id,{SCORE},style") == found
    assert arrow(client, path, where=where, fields=f"pair_id,{SCORE},style") == found


def test_why_a_score_is_missing_is_a_field(client: TestClient, scored: Dataset) -> None:
    path = f"/api/v1/datasets/{scored.id}"
    names = {found["name"] for found in client.get(f"{path}/pairs/fields").json()}
    assert {"style.status", f"{SCORE}.status"} <= names
    missing = page(client, path, where=f"{SCORE}.status = 'not_computable'")
    assert len(missing) == 8
    assert missing == page(client, path, where=f"{SCORE} IS NULL")
    assert page(client, path, where="style.status = 'not_computable'") == missing
    assert len(page(client, path, where="style.status = 'ok'")) == 32
    never = f"style.{OUTPUTS[2]}.status IS NULL"  # no job has computed this one
    assert len(page(client, path, where=never)) == 40
    row = page(client, path, where=f"{SCORE} IS NULL", fields="style.status,pair_id")[0]
    assert row["style.status"] == "not_computable"


def test_pages_of_columns_follow_an_order(client: TestClient, filled: str) -> None:
    asked: dict[str, Any] = {
        "where": "votes > 0", "orderby": "metadata.n DESC, chosen.model", "limit": 7,
        "fields": ["metadata.n", "chosen.model", "id"],
    }  # fmt: skip
    found: list[dict[str, Any]] = []
    while True:
        answer = client.post(f"{filled}/pairs/query", json=asked).json()
        found += answer["items"]
        if answer["next_cursor"] is None:
            break
        asked["cursor"] = answer["next_cursor"]
    values = [row["metadata.n"] for row in found]
    numbers = [value for value in values if isinstance(value, int)]
    texts = [value for value in values if isinstance(value, str)]
    assert values == sorted(numbers, reverse=True) + sorted(texts, reverse=True)
    assert len({row["id"] for row in found}) == len(page(client, filled))


def test_a_strangers_filter_finds_nothing(client: TestClient) -> None:
    for path in ("pairs.ndjson", "pairs.arrow"):
        elsewhere = f"/api/v1/datasets/{uuid.uuid4()}/{path}"
        assert client.get(elsewhere, params={"where": "votes > 0"}).status_code == 404
