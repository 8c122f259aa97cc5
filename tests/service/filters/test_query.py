"""Filters on real rows: against plain Python, in any order, whatever is asked."""

import os
import uuid
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from service.errors import BadRequest
from service.filters import BadFilter, to_text
from service.filters.query import Query
from service.tables.pairs import Pair
from tests.service.filters.expressions import conditions, meaning, words_of
from tests.service.intake.uploading import ingested, new_dataset

pytestmark = pytest.mark.usefixtures("rung")
# `make test` runs a part of them: PREFSIFT_FILTER_CASES=10000 runs the number of the issue.
CASES = int(os.environ.get("PREFSIFT_FILTER_CASES", "150"))


def record(i: int) -> dict[str, Any]:
    """Answers with and without models, judgments of two annotators, and mixed metadata."""
    words = ["yes", "no", "maybe yes", "", "ü%_", "a"]
    chosen, rejected = words[i % 6], words[(i + 1 + i // 6 % 4) % 6] + ("!" if i % 5 == 0 else "")
    metadata: dict[str, Any] = {
        "n": i % 4 if i % 3 else str(i),
        "deep": {"er": i / 4},
        "none": None,
    }
    if i % 2:
        metadata["tag"] = [True, "yes", 3, None][i % 4]
    votes = [
        {"a": "r0", "b": "r1", "outcome": "a", "annotator": "ann", "strength": i % 5},
        {"a": "r1", "b": "r0", "outcome": ["b", "b", "tie"][i % 3], "annotator": "bob"},
    ]
    return {
        "messages": [{"role": "user", "content": f"p{i % 7}"}] * (1 + i % 3),
        "responses": [
            {"id": "r0", "text": chosen, "model": f"m{i % 3}" if i % 4 else None},
            {"id": "r1", "text": rejected},
        ],
        "comparisons": votes[: 1 + i % 2],
        "metadata": metadata,
    }


def row(pair: Pair, made: dict[str, Any]) -> dict[str, Any]:
    """What the fields of a pair are, from its record."""
    by_id = {response["id"]: response for response in made["responses"]}
    chosen, rejected = by_id["r0"], by_id["r1"]
    prompt = "\n".join(message["content"] for message in made["messages"])
    metadata = made["metadata"]
    return {
        "votes": len(made["comparisons"]),
        "agreement": pair.agreement,
        "margin": pair.margin,
        "chosen.length": len(chosen["text"]),
        "rejected.length": len(rejected["text"]),
        "chosen.text": chosen["text"],
        "rejected.text": rejected["text"],
        "chosen.model": chosen.get("model"),
        "prompt.turns": len(made["messages"]),
        "prompt.text": prompt,
        "metadata.n": metadata["n"],
        "metadata.tag": metadata.get("tag"),
        "metadata.deep.er": metadata["deep"]["er"],
        "metadata.none": None,
        "words": words_of(prompt, chosen["text"], rejected["text"]),
        "judgments": [
            {
                "label": "comparison",
                "outcome": "tie" if vote["outcome"] == "tie" else "chosen",
                "annotator.name": vote["annotator"],
                "strength": vote.get("strength"),
            }
            for vote in made["comparisons"]
        ],
    }


@pytest.fixture
def filled(client: TestClient) -> uuid.UUID:
    dataset = new_dataset(client)
    records = [record(i) for i in range(48)]
    ingested(client, dataset, b"".join(orjson.dumps(each) + b"\n" for each in records))
    return uuid.UUID(dataset)


@pytest.fixture
def known(session: Session, filled: uuid.UUID) -> dict[int, dict[str, Any]]:
    pairs = session.query(Pair).filter(Pair.dataset_id == filled).all()
    assert len(pairs) > 30
    return {pair.position: row(pair, record(pair.line - 1)) for pair in pairs}


@settings(
    max_examples=CASES, deadline=None, print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(tree=conditions())
def test_a_filter_keeps_what_plain_python_keeps(
    tree: Any, session: Session, filled: uuid.UUID, known: dict[int, dict[str, Any]]
) -> None:
    with session.begin_nested():
        kept, _ = Query(session, filled, tree).page(1000)
    expected = sorted(at for at, values in known.items() if meaning(tree, values) is True)
    assert kept == expected, to_text(tree)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    keys=st.lists(
        st.tuples(
            st.sampled_from(["chosen.length", "chosen.model", "margin", "prompt.text", "votes"]),
            st.sampled_from(["", " ASC", " desc"]),
        ),
        max_size=3, unique_by=lambda key: key[0],
    ),
    limit=st.integers(1, 50),
)  # fmt: skip
def test_pages_hold_every_pair_once_in_order(
    keys: list[tuple[str, str]], limit: int, session: Session, filled: uuid.UUID,
    known: dict[int, dict[str, Any]],
) -> None:  # fmt: skip
    order = ", ".join(path + direction for path, direction in keys)
    found: list[int] = []
    cursor = None
    while True:
        page, cursor = Query(session, filled, "votes > 0", order).page(limit, cursor)
        found += page
        if cursor is None:
            break
    expected = sorted(known)
    for path, direction in reversed(keys):
        there = [at for at in expected if known[at][path] is not None]
        there.sort(key=lambda at, of=path: known[at][of], reverse=direction == " desc")
        expected = there + [at for at in expected if known[at][path] is None]
    assert found == expected


INJECTIONS = [
    "'; DROP TABLE pairs; --", "' OR '1'='1", "\\'; SELECT pg_sleep(5); --", "%' OR TRUE --",
    "$$; DELETE FROM pairs; $$", "1; COPY pairs TO PROGRAM 'id'", "') UNION SELECT version() --",
    "\u02bc OR 1=1", "{0}", "%(x)s", ":x", "?", "\\", "''", '"', "/* */", "--", "\u0000"[:0],
]  # fmt: skip


def test_hostile_values_are_only_compared(session: Session, filled: uuid.UUID) -> None:
    """18 strings in 28 places each: more than 500 attempts; every one matches nothing or is 422."""
    before = session.scalar(text("SELECT count(*) FROM pairs"))
    shapes = [
        "chosen.text = {}", "chosen.text <> {} AND FALSE", "chosen.model IN ({}, 'x')",
        "chosen.text LIKE {} AND votes < 0", "chosen.text ILIKE {} AND votes < 0",
        "MATCH({}) AND votes < 0", "metadata.tag = {}", "ANY(judgment, annotator.name = {})",
        "prompt.text BETWEEN {} AND ''", "rejected.uri = {}",
    ]  # fmt: skip
    attempts = 0
    for value in INJECTIONS:
        for shape in shapes:
            quoted = "'" + value.replace("'", "''") + "'"
            kept, _ = Query(session, filled, shape.format(quoted)).page(10)
            assert kept == [] or value in ("", "''")
            attempts += 1
        for place in ("{} = 1", "votes {} 1", "votes = {}", "{}", "metadata.{} = 1", '"{}" = 1'):
            for order in (None, value):
                try:
                    Query(session, filled, place.replace("{}", value), order).page(10)
                except BadFilter as error:
                    assert error.status == 422  # noqa: PT017
                attempts += 1
        for keys in ("{}", "votes {}", "votes, {}", '"{}"', "votes desc; {}", "(votes) {}"):
            try:
                Query(session, filled, None, keys.replace("{}", value)).page(10)
            except BadFilter as error:
                assert error.status == 422  # noqa: PT017
            attempts += 1
    assert attempts > 500
    assert session.scalar(text("SELECT count(*) FROM pairs")) == before


@pytest.mark.parametrize(
    "name",
    [
        "password_hash", "owner.password_hash", "tenant_id", "workspace_id", "dataset_id",
        "data__x__y", "chosen.prompt_id", "upload.sha256", "pg_class.relname", "metadata", "scored",
        "metadata.", "judgment", "annotator.name", "outcome",
    ],
)  # fmt: skip
def test_a_name_outside_the_list_is_unknown_whatever_exists(
    name: str, session: Session, filled: uuid.UUID
) -> None:
    with pytest.raises(BadFilter) as error:
        Query(session, filled, f'"{name}" = 1')
    assert error.value.code == "unknown_field"
    assert str(error.value).startswith(f"there is no field {name!r}; ")


@pytest.mark.parametrize(
    "wrong",
    [
        "votes = 'x'", "chosen.text > 1", "votes", "chosen.text", "NOT votes", "votes + 'a' > 1",
        "votes AND TRUE", "chosen.text + 1 > 2", "votes = NULL", "votes LIKE 'a'", "MATCH(votes)",
        "ANY(judgment, ANY(judgment, TRUE))", "1", "'a'", "-chosen.text > 1", "votes IN (1, 'a')",
    ],
)  # fmt: skip
def test_wrong_types_are_told(wrong: str, session: Session, filled: uuid.UUID) -> None:
    with pytest.raises(BadFilter) as error:
        Query(session, filled, wrong)
    assert error.value.status == 422


def test_full_text(session: Session, filled: uuid.UUID) -> None:
    known = Query(session, filled, "chosen.text LIKE '%maybe%' OR rejected.text LIKE '%maybe%'")
    assert Query(session, filled, "MATCH('maybe')").page(100) == known.page(100)
    assert Query(session, filled, "MATCH('nowhere')").page(100) == ([], None)


def test_a_cursor_belongs_to_its_filter_and_order(session: Session, filled: uuid.UUID) -> None:
    _, cursor = Query(session, filled, "votes > 0", "votes").page(3)
    for where, order in (("votes > 1", "votes"), ("votes > 0", "votes desc"), ("votes > 0", None)):
        with pytest.raises(BadRequest) as error:
            Query(session, filled, where, order).page(3, cursor)
        assert error.value.code == "bad_cursor"


def test_the_estimate_reads_nothing_and_the_count_is_exact(
    session: Session, filled: uuid.UUID, known: dict[int, Any]
) -> None:
    assert Query(session, filled, "votes >= 1").count() == len(known)
    assert Query(session, filled, "votes >= 1").explain()["rows"] >= 1


def test_a_number_that_gets_too_large_is_told(session: Session, filled: uuid.UUID) -> None:
    with pytest.raises(BadFilter) as error, session.begin_nested():
        Query(session, filled, "votes * 1e300 * 1e300 > 1").page(10)
    assert error.value.code == "out_of_range"
