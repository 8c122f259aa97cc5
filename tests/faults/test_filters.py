"""F26 to F29: filters that are too much, cursors that are no good, pages while others write."""

import random
import threading
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import text

from service import db
from service.signing import CURSORS, secret, signer
from tests.faults.served import Dataset, Server
from tests.service.intake.uploading import trl
from tests.service.serving import client_of, workspace_key
from tests.service.test_paging import Earlier
from tests.service.viewer.test_streams import FILL

ROWS = 100_000
NESTED = 10_000


def nested_tree(depth: int) -> str:
    """As text: what would be written by a recursive encoder can't be."""
    leaf = '{"op":"=","args":[{"field":"votes"},{"value":1}]}'
    return f'{{"op":"and","args":[{leaf},' * depth + leaf + "]}" * depth


TOO_COMPLEX = {
    "10,000 nested ANDs": orjson.dumps("votes = 1 AND (" * NESTED + "TRUE" + ")" * NESTED),
    "10,000 brackets": orjson.dumps("(" * NESTED + "votes = 1" + ")" * NESTED),
    "10,000 brackets never closed": orjson.dumps("(" * NESTED),
    "10,000 times NOT": orjson.dumps("NOT " * NESTED + "TRUE"),
    "10,000 signs": orjson.dumps("votes > " + "- " * NESTED + "1"),
    "ANDs side by side": orjson.dumps(" AND ".join(["votes = 1"] * NESTED)),
    "1 MB": orjson.dumps("chosen.text = '" + "x" * 1_000_000 + "'"),
    "100,000 values": orjson.dumps(f"votes IN ({','.join(['1'] * 100_000)})"),
    "a tree of 40 levels too many": nested_tree(90).encode(),
    "a tree of 300 levels": nested_tree(300).encode(),
    "a tree of 80,000 values": orjson.dumps(
        {"op": "in", "args": [{"field": "votes"}, *[{"value": 1}] * 80_000]}
    ),
}


@pytest.mark.parametrize("what", TOO_COMPLEX)
def test_f26_a_filter_that_is_too_complex_is_refused(what: str, dataset: Dataset) -> None:
    memory = dataset.server.memory()
    for path in ("query", "explain"):
        answer = dataset.api.post(
            f"/api/v1/datasets/{dataset.id}/pairs/{path}",
            content=b'{"where": ' + TOO_COMPLEX[what] + b"}",
            headers={"Content-Type": "application/json"},
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "filter_too_complex")
    assert dataset.server.memory() - memory < 50 << 20


def test_f26_a_body_that_no_parser_reads_to_its_end_is_refused(dataset: Dataset) -> None:
    answer = dataset.api.post(
        f"/api/v1/datasets/{dataset.id}/pairs/query",
        content='{"where": ' + nested_tree(NESTED) + "}",
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "json_too_deep")


def test_f27_a_cursor_that_is_no_good_gives_no_data(dataset: Dataset) -> None:
    dataset.ingest(trl(5))
    path = f"/api/v1/datasets/{dataset.id}/pairs"
    asked: dict[str, Any] = {"where": "votes > 0", "orderby": "chosen.text", "limit": 2}
    good = dataset.api.get(path, params=asked).json()["next_cursor"]
    with workspace_key() as key, client_of(dataset.server.url, key) as stranger:
        other = stranger.post("/api/v1/datasets", json={"name": "other"}).json()["id"]
        elsewhere = stranger.get(
            f"/api/v1/datasets/{other}/pairs", params={**asked, "cursor": good}
        )
    others = [
        {**asked, "cursor": good[:-1] + ("A" if good[-1] != "A" else "B")},
        {**asked, "cursor": good[1:]},
        {**asked, "where": "votes > 1", "cursor": good},
        {**asked, "orderby": "rejected.text", "cursor": good},
        {"limit": 2, "cursor": good},
        {**asked, "cursor": signer(b"guessed", "cursor x").dumps([None, "good 1", 5]).decode()},
        {**asked, "cursor": "A" * 5000},
    ]
    answers = [dataset.api.get(path, params=query) for query in others] + [elsewhere]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor"), answer.text
        assert "items" not in answer.json()
    again = dataset.api.get(path, params={**asked, "cursor": good})
    assert len(again.json()["items"]) == 2


def test_f27_a_cursor_expires(dataset: Dataset) -> None:
    dataset.ingest(trl(3))
    path = f"/api/v1/datasets/{dataset.id}/pairs"
    cursors = [
        signer(secret(CURSORS), f"cursor pairs {dataset.id}", **how).dumps(0).decode()
        for how in ({}, {"signer": Earlier})
    ]
    answers = [dataset.api.get(path, params={"cursor": cursor}) for cursor in cursors]
    assert [answer.status_code for answer in answers] == [200, 400]
    assert answers[1].json()["code"] == "bad_cursor"


@pytest.mark.parametrize("limit", ["0", "-1", "1000000000", "a", "9223372036854775808", "1.5", ""])
def test_f29_a_limit_that_is_no_good_is_refused(limit: str, dataset: Dataset) -> None:
    lists = limited_lists(dataset)
    assert len(lists) >= 7
    for path, _ in lists:
        answer = dataset.api.get(path, params={"limit": limit})
        assert answer.status_code == 422, path
    for path in ("pairs/query", "pairs/explain"):
        body = {"limit": limit if limit in ("a", "") else orjson.loads(limit)}
        answer = dataset.api.post(f"/api/v1/datasets/{dataset.id}/{path}", content=dumps(body))
        assert answer.status_code == 422, path


def test_f29_the_documented_maximum_is_kept(dataset: Dataset) -> None:
    for path, most in limited_lists(dataset):
        codes = [dataset.api.get(path, params={"limit": n}).status_code for n in (most, most + 1)]
        # There is no audit yet, and near-duplicates are still to be looked for.
        there = {"review": 409, "duplicates": 202}.get(path.rsplit("/", 1)[1], 200)
        assert codes == [there, 422], path


def dumps(body: dict[str, Any]) -> bytes:
    """JSON with integers of any size."""
    return f'{{"limit": {body["limit"]!r}}}'.replace("'", '"').encode()


def limited_lists(dataset: Dataset) -> list[tuple[str, int]]:
    """Every list under a dataset or of a workspace that the documentation gives a limit."""
    found: list[tuple[str, int]] = []
    for path, operations in dataset.api.get("/openapi.json").json()["paths"].items():
        for each in operations.get("get", {}).get("parameters", ()):
            whole = path.replace("{dataset_id}", dataset.id)
            if each["name"] == "limit" and "{" not in whole:
                others = [p for p in operations["get"]["parameters"] if p.get("required")]
                if all(p["in"] == "path" for p in others):
                    found.append((whole, each["schema"]["maximum"]))
    return found


@contextmanager
def filled(server: Server) -> Generator[tuple[httpx.Client, str]]:
    """A dataset of 100,000 pairs, written past the ingest."""
    with workspace_key() as key, client_of(server.url, key) as api:
        id = api.post("/api/v1/datasets", json={"name": f"set {uuid.uuid4()}"}).json()["id"]
        with db.new_session.begin() as session:
            session.execute(text(FILL), {"dataset": id, "rows": ROWS, "words": "w"})
        yield api, id


COLUMNS = (
    "dataset_id, id, position, prompt_id, chosen_id, rejected_id, content_id, upload_id, line,"
    " votes, agreement"
)
NEAR = "dataset_id = :dataset AND line BETWEEN :low AND :low + 99"
DELETE = f"DELETE FROM pairs WHERE {NEAR} AND line % 2 = 0 RETURNING {COLUMNS}"
UPDATE = f"UPDATE pairs SET agreement = random() WHERE {NEAR}"
INSERT = (
    f"INSERT INTO pairs ({COLUMNS}) VALUES (:{COLUMNS.replace(', ', ', :')}) ON CONFLICT DO NOTHING"
)


def write(dataset: str, seed: int, over: threading.Event, written: list[int]) -> None:
    """Until it is over: deletes pairs of even lines and brings most of them back, updates all
    kinds, and adds new ones before, between and after."""
    chance = random.Random(seed)
    while not over.is_set():
        near = {"dataset": dataset, "low": chance.randrange(1, ROWS)}
        with db.new_session.begin() as session:
            gone = [dict(row) for row in session.execute(text(DELETE), near).mappings()]
        with db.new_session.begin() as session:
            session.execute(text(UPDATE), near)
        back = [row for row in gone if chance.random() < 0.9]
        for row in back[:5]:
            place = row["position"] + chance.randrange(1, 4096) + chance.choice((0, 1 << 60))
            back.append({**row, "id": uuid.uuid4(), "position": place, "line": 0})
        with db.new_session.begin() as session:
            if back:
                session.execute(text(INSERT), back)
        written[seed] += 1
        over.wait(0.02)


def test_f28_each_pair_comes_once_while_two_others_write(server: Server) -> None:
    with filled(server) as (api, dataset):
        over, written = threading.Event(), [0, 0, 0]
        writers = [
            threading.Thread(target=write, args=(dataset, seed, over, written)) for seed in (1, 2)
        ]
        for writer in writers:
            writer.start()
        try:
            for order in (None, "votes DESC, source.line"):
                before = written.copy()
                lines = list(read_all(api, dataset, order))
                stable = [line for _, line in lines if line % 2]
                assert len(stable) == ROWS // 2
                assert len(set(stable)) == ROWS // 2
                assert len({id for id, _ in lines}) == len(lines)
                assert all(written[seed] > before[seed] + 3 for seed in (1, 2))
        finally:
            over.set()
            for writer in writers:
                writer.join()


def read_all(api: httpx.Client, dataset: str, order: str | None) -> Iterator[tuple[str, int]]:
    """(id, line), a page of 1,000 after the other."""
    asked: dict[str, Any] = {"fields": "id,source.line", "limit": 1000}
    asked |= {"orderby": order} if order else {}
    while True:
        answer = api.get(f"/api/v1/datasets/{dataset}/pairs", params=asked)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        yield from ((row["id"], int(row["source.line"])) for row in page["items"])
        if page["next_cursor"] is None:
            return
        asked["cursor"] = page["next_cursor"]
