"""Cursors: signed, bound to their list, short, and not for ever."""

import time
import uuid
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from itsdangerous import TimestampSigner
from sqlalchemy.orm import Session

from service.auth import create_key
from service.config import settings
from service.errors import BadRequest
from service.paging import decode_cursor, encode_cursor
from service.signing import CURSORS, secret, signer
from service.tables.access import Workspace
from tests.service.intake.uploading import ingested, new_dataset, trl


class Earlier(TimestampSigner):
    """Signs as the service did when a cursor had just not expired, and a minute before."""

    minutes = 1

    def get_timestamp(self) -> int:
        return int(time.time() - settings.cursor_hours * 3600 - 60 * self.minutes)


class JustInTime(Earlier):
    minutes = -1


def code_of(scope: str, cursor: str) -> str:
    with pytest.raises(BadRequest) as error:
        decode_cursor(scope, cursor)
    return error.value.code


@pytest.mark.usefixtures("session")
def test_a_cursor_gives_its_key_back() -> None:
    for key in (1, "ü\u2028", [None, 1.5, "x"], [0.1 + 0.2, -(2**62)]):
        assert decode_cursor("a", encode_cursor("a", key)) == key
    assert decode_cursor("a", None) is None


@pytest.mark.usefixtures("session")
def test_a_cursor_with_one_character_changed_is_refused() -> None:
    cursor = encode_cursor("a", ["x" * 40, 7])
    for at in range(len(cursor)):
        changed = "A" if cursor[at] != "A" else "B"
        assert code_of("a", cursor[:at] + changed + cursor[at + 1 :]) == "bad_cursor", at
    for cut in range(len(cursor)):
        assert code_of("a", cursor[:cut]) == "bad_cursor"
    assert code_of("b", cursor) == "bad_cursor"


@pytest.mark.usefixtures("session")
def test_a_cursor_expires() -> None:
    def signed(by: type[Any]) -> str:
        return signer(secret(CURSORS), "cursor a", signer=by).dumps(5).decode()

    assert decode_cursor("a", signed(JustInTime)) == 5
    with pytest.raises(BadRequest, match="expired"):
        decode_cursor("a", signed(Earlier))


@pytest.mark.usefixtures("session")
def test_a_cursor_signed_with_another_key_is_refused() -> None:
    forged = signer(b"guessed", "cursor a").dumps(5).decode()
    assert code_of("a", forged) == "bad_cursor"


@pytest.mark.usefixtures("rung")
def test_a_cursor_of_another_tenant_is_refused_on_every_list(
    client: TestClient, session: Session
) -> None:
    """F27: also where both have lists of one kind."""
    other = Workspace(name=f"other-{uuid.uuid4()}")
    session.add(other)
    session.flush()
    stranger = {"Authorization": f"Bearer {create_key(session, other, 'other')}"}
    session.commit()
    for headers in ({}, stranger):
        for name in ("one", "two"):
            made = client.post("/api/v1/datasets", json={"name": name}, headers=headers)
            assert made.status_code == 201
    mine = client.get("/api/v1/datasets?limit=1").json()["next_cursor"]
    answer = client.get(f"/api/v1/datasets?limit=1&cursor={mine}", headers=stranger)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")
    assert "items" not in answer.json()
    again = client.get(f"/api/v1/datasets?limit=1&cursor={mine}").json()["items"]
    assert [found["name"] for found in again] == ["two"]


@pytest.mark.usefixtures("rung")
def test_a_cursor_stays_short_however_long_the_texts_are(client: TestClient) -> None:
    """Prompts that begin alike for 5,000 characters, twice each; order by them, a pair a page."""
    dataset = new_dataset(client)
    long = "ü🙂" * 2500
    words = ["b", "a", "c", "a", "b", "c"]
    rows = [{"prompt": long + w, "chosen": f"yes {i}", "rejected": "no"}
            for i, w in enumerate(words)]  # fmt: skip
    ingested(client, dataset, b"".join(orjson.dumps(row) + b"\n" for row in rows) + trl(2))
    found: list[str] = []
    asked: dict[str, Any] = {"orderby": "prompt.text, chosen.text DESC", "limit": 1}
    while True:
        page = client.post(f"/api/v1/datasets/{dataset}/pairs/query", json=asked).json()
        found += [pair["prompt"][0]["content"] for pair in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
        assert len(cursor) < 1000
        asked["cursor"] = cursor
    assert found[:2] == ["p0", "p1"]
    ends = [text[-1] for text in found[2:]]
    assert sorted(ends) == sorted(words)
    assert ends[0::2] == ends[1::2]  # equal texts stand together
