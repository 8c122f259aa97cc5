"""MATCH through its index, without it, and while it has only some of the pairs."""

import os
import uuid
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from service.filters import BadFilter, to_text
from service.filters import words as indexed_words
from service.filters.builder import match
from service.filters.query import Query, limited
from service.filters.words import MOST_BYTES, add_words
from service.ingest.store import hold_dataset
from service.tables.jobs import Job, JobKind
from service.tables.viewer import PairWords
from tests.service.filters.expressions import meaning, searches
from tests.service.filters.test_query import filled, known
from tests.service.intake.uploading import ingested, new_dataset
from tests.service.labels.test_erasures import erase
from workers.indexing import Indexing
from workers.protocol import run_job

__all__ = ["filled", "known"]
pytestmark = pytest.mark.usefixtures("rung")
CASES = int(os.environ.get("PREFSIFT_FILTER_CASES", "50"))
HANDLERS = {JobKind.index_words: Indexing()}


def pair(prompt: str, chosen: str, rejected: str) -> bytes:
    row = {"prompt": prompt, "chosen": chosen, "rejected": rejected}
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def indexed(session: Session, dataset: Any) -> int:
    return len(
        session.scalars(select(PairWords.pair_id).where(PairWords.dataset_id == dataset)).all()
    )


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a single pair is one too many for a request to index."""
    monkeypatch.setattr(indexed_words, "FEW", 0)


@settings(
    max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(said=searches())
def test_words_are_found_in_a_half_filled_index_too(
    said: str, session: Session, filled: uuid.UUID, known: dict[int, dict[str, Any]], many: None
) -> None:
    if indexed(session, filled) == 0:
        add_words(session, filled, sorted(known)[::2])
    tree = match(said).node
    kept, _ = Query(session, filled, tree).page(1000)
    assert kept == [at for at in sorted(known) if meaning(tree, known[at])], to_text(tree)
    assert 0 < indexed(session, filled) < len(known)


def test_few_pairs_are_indexed_by_the_first_query(
    session: Session, filled: uuid.UUID, known: dict[int, Any]
) -> None:
    assert indexed(session, filled) == 0
    found = Query(session, filled, "MATCH('maybe')")
    assert found.snapshot.worded
    assert indexed(session, filled) == len(known)
    assert "unread" not in str(found.select(text("1")))


def test_a_worker_indexes_many(
    client: TestClient, session: Session, many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = new_dataset(client)
    ingested(client, dataset, b"".join(pair(f"p {n}", "yes it is", "no") for n in range(30)))
    monkeypatch.setattr("workers.indexing.ROWS", 12)
    monkeypatch.setattr("workers.indexing.BATCH", 5)
    path, asked = f"/api/v1/datasets/{dataset}/pairs", {"where": "MATCH('17 -nothing')"}
    before = client.get(path, params=asked).json()["items"]
    assert [found["prompt"][0]["content"] for found in before] == ["p 17"]
    client.get(path, params=asked)  # finds the job of the first
    job = session.scalars(select(Job).where(Job.kind == JobKind.index_words)).one()
    version = Query(session, uuid.UUID(dataset)).snapshot.version
    run_job(job.id, ("cpu",), HANDLERS)
    shown = client.get(f"/api/v1/jobs/{job.id}").json()
    assert (shown["state"], shown["rows_done"], shown["rows_total"]) == ("succeeded", 30, 30)
    assert shown["result"] == {"not_indexed": 0}
    found = Query(session, uuid.UUID(dataset), "MATCH('17')")
    assert (found.snapshot.version, found.words.complete) == (version, True)
    assert client.get(path, params=asked).json()["items"] == before


def test_a_query_waits_for_no_ingest(
    session: Session, filled: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_: Session, _dataset: uuid.UUID) -> bool:
        return False

    monkeypatch.setattr(indexed_words, "try_reading", busy)
    found = Query(session, filled, "MATCH('maybe')")
    assert len(found.page(100)[0]) > 0
    assert indexed(session, filled) == 0
    hold_dataset(session, filled)
    monkeypatch.undo()
    assert Query(session, filled, "MATCH('maybe')").page(100) == found.page(100)


def test_a_phrase_may_go_on_in_the_answer_and_words_are_whole(
    client: TestClient, session: Session
) -> None:
    dataset = new_dataset(client)
    ingested(client, dataset, pair("Where is my refund", "Shipping is free.", "I do not know"))

    def keeps(said: str) -> bool:
        return bool(Query(session, uuid.UUID(dataset), match(said).node).page(1)[0])

    for said in ("refund shipping", '"refund shipping"', '"free i"', "WHERE", "refund -paid"):
        assert keeps(said), said
    for said in ("ship", '"shipping refund"', "refund -free", "", "-", '"'):
        assert not keeps(said), said


@pytest.mark.parametrize(
    "texts",
    [
        ["".join(f"{n:x}-{n * 7:x} " for n in range(90_000))] * 3,
        [" ".join(f"{n:x}.com/{n:x}" for n in range(at, at + 4000)) for at in (0, 5000, 9000)],
        [" ".join(chr(0x4E00 + n % 20_000) + chr(0x5E00 + n // 9) for n in range(9000))] * 3,
        [" ".join(chr(0x20000 + n) + "-" + chr(0x28000 + n) for n in range(25_000))] * 3,
        ["x" * 3_000_000, "a" * 100 + " " * 1_000_000, "b"],
    ],
    ids=["hyphens", "urls", "chinese", "four bytes", "one word"],
)  # fmt: skip
def test_texts_with_too_many_words_are_searched_at_their_beginning(
    texts: list[str], client: TestClient, session: Session
) -> None:
    dataset = new_dataset(client)
    content = [f"begin{n} {each} end{n}" for n, each in enumerate(texts)]
    ingested(client, dataset, pair(*content) + pair("short", "texts", "are whole"))
    found = Query(session, uuid.UUID(dataset), "MATCH('begin0 begin1 begin2')")
    assert len(found.page(10)[0]) == 1
    long = sum(len(each.encode()) for each in content) > MOST_BYTES
    last = Query(session, uuid.UUID(dataset), "MATCH('end0 end1 end2')").page(10)[0]
    assert len(last) == (0 if long else 1)


def test_an_erased_source_leaves_the_index(client: TestClient, session: Session) -> None:
    dataset = new_dataset(client)
    ingested(client, dataset, pair("kept", "yes", "no"))
    upload = ingested(client, dataset, pair("secretly", "yes", "no"))
    path, asked = f"/api/v1/datasets/{dataset}/pairs", {"where": "MATCH('secretly')"}
    assert len(client.get(path, params=asked).json()["items"]) == 1
    client.post(f"/api/v1/uploads/{upload['id']}/withdraw")
    assert client.get(path, params=asked).json()["items"] == []
    client.post(f"/api/v1/uploads/{upload['id']}/restore")
    assert len(client.get(path, params=asked).json()["items"]) == 1
    erase(client, dataset, upload_id=upload["id"])
    assert client.get(path, params=asked).json()["items"] == []
    rows = session.scalars(text("SELECT words::text FROM pair_words")).all()
    assert len(rows) == 1
    assert "secretly" not in rows[0]


def test_a_timeout_says_that_the_index_is_being_made(
    session: Session, filled: uuid.UUID, many: None
) -> None:
    found = Query(session, filled, "MATCH('maybe')")
    slow = text("SELECT pg_sleep(1)")
    told = pytest.raises(BadFilter, match="is indexing the words")
    with told as error, session.begin_nested(), limited(session, 0.01, found.advice):
        session.execute(slow)
    assert error.value.code == "query_timeout"
    assert Query(session, filled, "votes = 1").advice == ""


def test_words_that_are_long_looked_up_are_found_all_the_same(
    session: Session, filled: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Query(session, filled, "MATCH('maybe')").page(100)
    over = text("DO $$ BEGIN RAISE query_canceled; END $$")  # as a statement that takes too long
    monkeypatch.setattr(indexed_words, "SOON", over)
    again = Query(session, filled, "MATCH('maybe')")
    assert "pair_words" in str(again.select(text("1")))
    assert again.page(100) == found
