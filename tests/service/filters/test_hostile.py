"""Faults F23 and F25: hostile values, names, orders and cursors; patterns that cost much."""

import os
import time
import uuid
from itertools import product
from re import sub
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from service import db
from service.errors import ServiceError
from service.filters import BadFilter
from service.filters.query import Query
from service.viewer.rows import selected, source_of
from tests.service.intake.uploading import ingested, new_dataset

pytestmark = pytest.mark.usefixtures("rung")
CANARY = "zqx"  # in every string: what is spliced into SQL shows it
STARTS = (
    "'",
    "\\'",
    '"',
    "')",
    "' OR '1'='1",
    "%'",
    "$$",
    "1;",
    "--",
    "/*",
    "\u02bc",
    "a', b",
    "`",
)
MIDDLES = (
    " OR TRUE ", "; DROP TABLE pairs; ", "; SELECT pg_sleep(9); ", " UNION SELECT version() ",
    "; COPY pairs TO PROGRAM 'id'; ", " AND 1=CAST(version() AS int) ", "||(SELECT 1)||",
    "; CREATE TABLE owned(); ",
)  # fmt: skip
ENDS = ("--", "/*", "'", "')", "%(x)s")
STRINGS = ["".join((a, CANARY, b, c)) for a, b, c in product(STARTS, MIDDLES, ENDS)][:500]
# `make test` sends every seventh of them: each start, middle and end; PREFSIFT_WHOLE_SETS=1: all.
SENT = STRINGS if os.environ.get("PREFSIFT_WHOLE_SETS") == "1" else STRINGS[::7]


@pytest.fixture
def dataset(client: TestClient) -> uuid.UUID:
    """One pair whose chosen answer is hostile text, and one that is not."""
    made = new_dataset(client)
    lines = [{"prompt": "p", "chosen": SENT[1], "rejected": "no"},
             {"prompt": "q", "chosen": "yes", "rejected": "no"}]  # fmt: skip
    ingested(client, made, b"".join(orjson.dumps(line) + b"\n" for line in lines))
    return uuid.UUID(made)


def attempts(session: Session, dataset: uuid.UUID, said: str) -> None:
    """In a field name, an order, a column list and a cursor: each is refused."""
    query = Query(session, dataset)
    for wrong in (
        lambda: Query(session, dataset, f"{said} = 1").page(5),
        lambda: Query(session, dataset, f'"{said}" = 1').page(5),
        lambda: Query(session, dataset, None, said).page(5),
        lambda: query.page(5, said),
        lambda: selected(session, source_of(session, query.snapshot, [said]), [1]),
    ):
        with pytest.raises(ServiceError) as error:
            wrong()
        assert error.value.status in (400, 422)


def test_hostile_strings_are_compared_or_refused(session: Session, dataset: uuid.UUID) -> None:
    assert len(set(STRINGS)) == 500
    for part in (*STARTS, *MIDDLES, *ENDS):
        assert any(part in said for said in SENT)
    tables = text("SELECT count(*) FROM pg_class")
    before = session.scalar(tables)
    sent: list[str] = []

    def seen(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", seen)
    try:
        for said in SENT:
            tree = {"op": "=", "args": [{"field": "chosen.text"}, {"value": said}]}
            found, _ = Query(session, dataset, tree).page(5)
            assert len(found) == (said == SENT[1])
            quoted = "'" + said.replace("'", "''") + "'"
            where = f"metadata.tag = {quoted} OR chosen.model IN ({quoted}) OR MATCH({quoted})"
            Query(session, dataset, where).page(5)
            attempts(session, dataset, said)
    finally:
        event.remove(db.engine, "before_cursor_execute", seen)
    assert len(sent) > 4 * len(SENT)
    assert not [each for each in sent if CANARY in each]  # only bound, never part of a statement
    shapes = {sub(r"(sa_savepoint)_\d+", r"\1", each) for each in sent}
    assert len(shapes) < 40  # a few
    assert session.scalar(tables) == before


def test_a_costly_pattern_ends_within_its_time(session: Session, dataset: uuid.UUID) -> None:
    session.execute(text("UPDATE responses SET text = repeat('a', 60000) WHERE text = 'yes'"))
    for pattern in ("%a" * 5000 + "b", "%_" * 5000 + "b", "(a+)+$", "(.*a){25}", "%a%" * 3000):
        quoted = f"chosen.text LIKE '{pattern}'"
        began = time.monotonic()
        try:
            with session.begin_nested():
                assert isinstance(Query(session, dataset, quoted).page(5)[0], list)
        except BadFilter as error:
            assert error.code == "query_timeout"  # noqa: PT017
        assert Query(session, dataset, quoted).seconds == 2
        assert time.monotonic() - began < 60  # that it ends; PostgreSQL keeps the limit
    for operator in ("~", "~*", "SIMILAR TO"):
        with pytest.raises(BadFilter):
            Query(session, dataset, f"chosen.text {operator} '(a+)+$'")
