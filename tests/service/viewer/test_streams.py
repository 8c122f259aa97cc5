"""Streams over a real socket: every row once, in bounded memory, and nothing held for nobody."""

import io
import socket
import time
import uuid
from collections.abc import Generator
from typing import Any

import httpx
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from service import db
from service.viewer import blocks
from tests.service.serving import client_of, serving, workspace_key

ROWS = 5300
WORDS = "“tea”\n\\ \u2028 🙂 "

FILL = """
WITH made AS (
    INSERT INTO uploads (dataset_id, ordinal, filename, sha256, size, state)
    VALUES (:dataset, 1, 'x', '\\xaabb', 1, 'ingested') RETURNING id
), numbered AS (
    SELECT n, md5('p' || n)::uuid AS p, md5('c' || n)::uuid AS c, md5('r' || n)::uuid AS r
    FROM generate_series(1, :rows) n
), asked AS (
    INSERT INTO prompts (dataset_id, id, messages)
    SELECT :dataset, p, jsonb_build_array(
        jsonb_build_object('role', 'user', 'content', :words || n)
    ) FROM numbered
), answered AS (
    INSERT INTO responses (dataset_id, id, prompt_id, text)
    SELECT :dataset, id, p, said || repeat(:words, n % 40)
    FROM numbered, LATERAL (VALUES (c, 'yes'), (r, 'no')) answers(id, said)
)
INSERT INTO pairs (dataset_id, id, position, prompt_id, chosen_id, rejected_id, content_id,
                   upload_id, line, votes, agreement)
SELECT :dataset, md5('x' || n)::uuid, (1::bigint << 48) | (n::bigint << 12), p, c, r, c,
       made.id, n, 1 + n % 3, 1.0 / (1 + n % 3) FROM numbered, made
"""


@pytest.fixture(scope="module")
def api() -> Generator[httpx.Client]:
    with workspace_key() as key, serving() as url, client_of(url, key) as client:
        yield client


@pytest.fixture(scope="module")
def dataset(api: httpx.Client) -> str:
    found = api.post("/api/v1/datasets", json={"name": f"set {uuid.uuid4()}"}).json()["id"]
    with db.new_session.begin() as session:
        session.execute(text(FILL), {"dataset": found, "rows": ROWS, "words": WORDS})
    return found


def wanted(n: int) -> dict[str, Any]:
    """Row n, counted from 1, by other means than SQL."""
    more = WORDS * (n % 40)
    return {
        "prompt": [{"role": "user", "content": f"{WORDS}{n}"}],
        "chosen": [{"role": "assistant", "content": f"yes{more}"}],
        "rejected": [{"role": "assistant", "content": f"no{more}"}],
        "votes": 1 + n % 3,
        "source": f"aabb:{n}",
    }


def matches(row: dict[str, Any], n: int) -> bool:
    return {name: row[name] for name in wanted(n)} == wanted(n)


def test_lines_are_all_rows_in_order(api: httpx.Client, dataset: str) -> None:
    answer = api.get(f"/api/v1/datasets/{dataset}/pairs.ndjson")
    assert answer.headers["content-type"] == "application/x-ndjson"
    rows = [orjson.loads(line) for line in answer.content.split(b"\n")[:-1]]
    assert len(rows) == ROWS
    assert all(matches(row, n) for n, row in enumerate(rows, 1))


def test_arrow_is_all_rows_in_order(api: httpx.Client, dataset: str) -> None:
    answer = api.get(f"/api/v1/datasets/{dataset}/pairs.arrow")
    rows = pa.ipc.open_stream(answer.content).read_all().to_pylist()
    assert len(rows) == ROWS
    assert all(matches(row, n) for n, row in enumerate(rows, 1))


def test_lines_arrow_pages_and_parquet_agree(api: httpx.Client, dataset: str) -> None:
    path = f"/api/v1/datasets/{dataset}"
    lines = [orjson.loads(line) for line in api.get(f"{path}/pairs.ndjson").content.splitlines()]
    table = pa.ipc.open_stream(api.get(f"{path}/pairs.arrow").content).read_all()
    listed = api.get(f"{path}/parquet").json()
    assert (listed["pending"], listed["failed"], listed["partial"]) == ([], [], False)
    [file] = listed["parquet_files"]
    content = api.get(file["url"]).content
    assert len(content) == file["size"]
    page = api.get(f"{path}/rows", params={"offset": 4321}).json()
    assert [found["row"] for found in page["rows"]] == lines[4321:4421]
    assert table.to_pylist() == lines
    assert pq.read_table(io.BytesIO(content)).to_pylist() == lines


def test_only_the_fields_asked_for_are_sent(api: httpx.Client, dataset: str) -> None:
    path = f"/api/v1/datasets/{dataset}/pairs"
    answer = api.get(f"{path}.ndjson", params={"fields": "votes, source"})
    assert orjson.loads(answer.content.split(b"\n")[0]) == {"votes": 2, "source": "aabb:1"}
    table = pa.ipc.open_stream(
        api.get(f"{path}.arrow", params={"fields": "rejected,votes"}).content
    ).read_all()
    assert table.column_names == ["rejected", "votes"]
    refused = api.get(f"{path}.ndjson", params={"fields": "votes,key_hash"})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_field")


@pytest.mark.parametrize("kind", ["ndjson", "arrow"])
def test_rows_larger_than_a_block_come_one_by_one(
    api: httpx.Client, dataset: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BYTES", 30_000)
    content = api.get(f"/api/v1/datasets/{dataset}/pairs.{kind}").content
    if kind == "arrow":
        batches = list(pa.ipc.open_stream(content))
        assert len(batches) > 20
        rows = [row for batch in batches for row in batch.to_pylist()]
    else:
        rows = [orjson.loads(line) for line in content.split(b"\n")[:-1]]
    assert [row["source"] for row in rows] == [f"aabb:{n}" for n in range(1, ROWS + 1)]


def connections_in_use() -> int:
    pool: Any = db.engine.pool
    return pool.checkedout()


def until_none_in_use() -> None:
    for _ in range(1000):
        if connections_in_use() == 0:
            return
        time.sleep(0.01)
    raise AssertionError(f"{connections_in_use()} connections are still in use")


def begin(api: httpx.Client, path: str) -> socket.socket:
    """A request whose answer is not read."""
    connection = socket.create_connection((api.base_url.host, api.base_url.port or 80))
    head = (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {api.headers['Authorization']}\r\n\r\n"
    )
    connection.sendall(head.encode())
    assert connection.recv(2000).startswith(b"HTTP/1.1 200")
    return connection


def test_a_client_that_leaves_gives_its_connection_back(api: httpx.Client, dataset: str) -> None:
    connection = begin(api, f"/api/v1/datasets/{dataset}/pairs.ndjson")
    connection.close()
    until_none_in_use()
    assert api.get("/healthz").status_code == 200


def test_clients_that_do_not_read_hold_no_connection(api: httpx.Client, dataset: str) -> None:
    idle = [begin(api, f"/api/v1/datasets/{dataset}/pairs.ndjson") for _ in range(30)]
    until_none_in_use()
    page = api.get(f"/api/v1/datasets/{dataset}/rows", params={"length": 1})
    assert page.status_code == 200
    for connection in idle:
        connection.close()


def test_what_is_deleted_meanwhile_does_not_move_the_rest(api: httpx.Client, dataset: str) -> None:
    """The snapshot's row numbers are of before; positions are not numbers."""
    with api.stream("GET", f"/api/v1/datasets/{dataset}/pairs.ndjson") as answer:
        pieces = answer.iter_bytes(1000)
        first = next(pieces)
        statement = text("DELETE FROM pairs WHERE dataset_id = :dataset AND line > 5250")
        with db.new_session.begin() as session:
            session.execute(statement, {"dataset": dataset})
        lines = (first + b"".join(pieces)).split(b"\n")[:-1]
    sources = [orjson.loads(line)["source"] for line in lines]
    assert sources[:5250] == [f"aabb:{n}" for n in range(1, 5251)]
    assert len(set(sources)) == len(sources)
