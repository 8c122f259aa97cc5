"""Filters, trees and cursors that are of no use: a problem each, never a failure of ours."""

from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from service.filters import BadFilter, from_json, parse
from service.filters.fields import Catalogue
from service.filters.tree import Field
from tests.service.filters.test_query import record
from tests.service.intake.uploading import ingested, new_dataset

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture
def pairs(client: TestClient) -> str:
    dataset = new_dataset(client)
    rows = [orjson.dumps(record(i), option=orjson.OPT_APPEND_NEWLINE) for i in range(12)]
    ingested(client, dataset, b"".join(rows))
    return f"/api/v1/datasets/{dataset}/pairs/query"


@pytest.mark.parametrize(
    "wrong",
    [
        "votes BETWEEN SYMMETRIC 3 AND 1", "MATCQ('yes')", "ANQ(judgment, outcome = 'tie')",
        "chosen.text = '\ud800'", "metadata.\ud800 = 1",
    ],
)  # fmt: skip
def test_what_the_language_lacks_is_refused_not_read_as_something_else(wrong: str) -> None:
    with pytest.raises(BadFilter):
        parse(wrong)


@pytest.mark.parametrize(
    ("leaf", "code"),
    [
        ({"value": 10**400}, "not_finite"), ({"value": -(10**400)}, "not_finite"),
        ({"value": float("nan")}, "not_finite"), ({"value": "\ud800"}, "bad_character"),
        ({"field": "metadata.\ud800"}, "bad_character"), ({"value": "\x00"}, "nul_character"),
        ({"field": "metadata.\x00"}, "nul_character"),
    ],
)  # fmt: skip
def test_a_tree_holds_only_what_the_database_can_compare(leaf: Any, code: str) -> None:
    with pytest.raises(BadFilter) as error:
        from_json({"op": "=", "args": [{"field": "votes"}, leaf]})
    assert error.value.code == code


@pytest.mark.parametrize(
    ("there", "nowhere"),
    [
        ("content_id", "content_xx"), ("workspaces.name", "workspacex.name"),
        ("chosen.prompt_id", "chosen.prompt_xx"), ("tenant_id", "tenant_xx"),
        ("api_keys.sha256", "api_keyx.sha256"), ("owner.password_hash", "owner.password_xxxx"),
        ("pg_user.passwd", "pg_xxxx.passwd"), ("data__x__y", "data__x__z"), ("ctid", "cxxx"),
        ("pk::text", "px::text"), ("scored.s1", "scored.x1"), ("tableoid", "tableoxx"),
    ],
)  # fmt: skip
def test_f24_a_column_that_exists_is_as_unknown_as_one_that_does_not(
    there: str, nowhere: str, client: TestClient, pairs: str, session: Session
) -> None:
    """The same answer, and the same statements: nothing takes longer for what is there."""
    asked: list[list[str]] = []

    def listen(_: Any, __: Any, statement: str, *___: Any) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):  # numbered
            asked[-1].append(statement)

    assert client.post(pairs, json={"where": "votes > 0"}).status_code == 200
    fields = client.get(pairs.replace("query", "fields")).json()
    listed = {"n_judgments", "language", "pair_id", "prompt", "chosen", "rejected", "source"}
    listed |= {"prompt.language", *(each["name"] for each in fields)}
    connection = session.connection()
    event.listen(connection, "before_cursor_execute", listen)
    for place in (
        {"where": '"{}" = 1'},
        {"where": {"op": "is_null", "args": [{"field": "{}"}]}},
        {"where": '"{}" = 1 OR votes > 0', "orderby": "votes"},
        {"fields": ["votes", "{}"]},
    ):
        told: list[dict[str, Any]] = []
        for name in (there, nowhere):
            asked.append([])
            body = orjson.dumps(place).replace(b"{}", name.encode())
            answer = client.post(pairs, content=body, headers={"Content-Type": "application/json"})
            assert (answer.status_code, answer.json()["code"]) == (422, "unknown_field")
            problem = orjson.loads(answer.content.replace(name.encode(), b"NAME"))
            # Names like it that may be asked for: by its letters only.
            near = problem.pop("near", [])
            assert {*near} <= listed
            problem["detail"] = problem["detail"].partition(";")[0]
            told.append(problem)
        assert told[0] == told[1]
        assert asked[-1] == asked[-2] != []
    event.remove(connection, "before_cursor_execute", listen)


@pytest.mark.parametrize(
    "body",
    [
        b'{"where": "chosen.text = \'\\ud800\'"}',
        b'{"where": {"op": "=", "args": [{"field": "chosen.text"}, {"value": "\\ud800"}]}}',
        b'{"where": {"op": ">", "args": [{"field": "votes"}, {"value": 1' + b"0" * 400 + b"}]}}",
        b'{"where": "chosen.text || \'a\' = 1"}',
        b"{\"where\": \"rejected.text LIKE chosen.model AND 'ab' LIKE 'a\\\\'\"}",
    ],
)
def test_a_hostile_body_is_a_422(body: bytes, client: TestClient, pairs: str) -> None:
    answer = client.post(pairs, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("ANY(judgement, outcome = 'tie')", "ANY is written ANY(judgment, a filter)"),
        ("MATCH('a', 'b')", "MATCH is written MATCH('words')"),
        ("near(votes) > 1", "the filter language has no function near"),
        ("chosen.text ~ 'a'", "the filter language has nothing like chosen.text ~ 'a'"),
        ("votes > 1 AND", "the filter can't be read near 'AND': something is missing there"),
    ],
)
def test_a_refusal_is_in_the_words_of_the_filter_language(wrong: str, said: str) -> None:
    with pytest.raises(BadFilter) as error:
        parse(wrong)
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("agrement", "near: agreement"),
        ("chosen.lenght", "near: chosen.length"),
        ("outcome", "ANY(judgment, outcome = …)"),
        ("reward_margin", "no scores of reward_margin yet"),
        ("zzz", "'single' quotes"),
    ],
)
def test_an_unknown_field_comes_with_what_may_have_been_meant(path: str, said: str) -> None:
    with pytest.raises(BadFilter, match="there is no field") as error:
        Catalogue([]).entry(Field(path), {})
    assert error.value.code == "unknown_field"
    assert said in str(error.value)
