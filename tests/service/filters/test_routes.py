"""Filters over REST: the routes of pairs and of the viewer."""

import uuid

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from tests.service.filters.test_query import record
from tests.service.intake.uploading import ingested, new_dataset

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture
def filled(client: TestClient) -> str:
    dataset = new_dataset(client)
    rows = [record(i) for i in range(48)]
    ingested(client, dataset, b"".join(orjson.dumps(each) + b"\n" for each in rows))
    return f"/api/v1/datasets/{dataset}"


def test_every_way_to_ask_gives_the_same_pairs(client: TestClient, filled: str) -> None:
    where, order = "votes = 2 AND chosen.length > 0", "chosen.length DESC"
    asked = {"where": where, "orderby": order}
    first = client.get(f"{filled}/pairs", params=asked).json()["items"]
    assert len(first) > 3
    assert all(pair["votes"] == 2 for pair in first)
    tree = client.post(f"{filled}/pairs/explain", json=asked).json()
    assert tree["where"] == "(votes = 2) AND (chosen.length > 0)"
    assert tree["rows"] >= 1
    listed = client.post(f"{filled}/pairs/explain", json={"where": "chosen.model IN ('m1', 'm2')"})
    assert listed.json()["rows"] >= 1
    again = client.post(f"{filled}/pairs/query", json={**asked, "where": tree["tree"]}).json()
    assert again["items"] == first
    viewed = client.get(f"{filled}/filter", params=asked).json()
    assert [row["row"]["pair_id"] for row in viewed["rows"]] == [pair["id"] for pair in first]
    assert viewed["num_rows_total"] == len(first)
    numbered = client.get(f"{filled}/rows", params={"length": 100}).json()["rows"]
    by_number = {row["row_idx"]: row["row"]["pair_id"] for row in numbered}
    assert all(by_number[row["row_idx"]] == row["row"]["pair_id"] for row in viewed["rows"])


def test_pages_of_a_query(client: TestClient, filled: str) -> None:
    asked = {"orderby": "chosen.model, votes desc", "limit": 7}
    whole = client.get(f"{filled}/pairs", params={**asked, "limit": 1000}).json()["items"]
    found, cursor = [], None
    while True:
        page = client.get(
            f"{filled}/pairs", params={**asked, "cursor": cursor} if cursor else asked
        )
        found += page.json()["items"]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break
    assert found == whole


def test_search(client: TestClient, filled: str) -> None:
    found = client.get(f"{filled}/search", params={"query": "maybe", "length": 5}).json()
    assert 0 < len(found["rows"]) <= 5
    assert found["num_rows_total"] >= len(found["rows"])
    assert client.get(f"{filled}/is-valid").json()["filter"] is True


def test_mistakes_are_problems_with_a_place(client: TestClient, filled: str) -> None:
    for where, code in (
        ("votes >", "bad_filter"), ("nope = 1", "unknown_field"), ("votes = 'x'", "type_error"),
        ("(" * 9999, "filter_too_complex"), ("votes = 1e999", "not_finite"),
    ):  # fmt: skip
        answer = client.post(f"{filled}/pairs/query", json={"where": where})
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    unknown = client.get(f"{filled}/pairs", params={"where": "votes = 1 AND nope = 1"}).json()
    assert (unknown["field"], unknown["line"], unknown["column"]) == ("nope", 1, 15)
    cursor = client.get(f"{filled}/pairs", params={"where": "votes > 0", "limit": 1}).json()
    other = {"where": "votes > 1", "cursor": cursor["next_cursor"]}
    answer = client.get(f"{filled}/pairs", params=other)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")
    for limit in ("0", "-1", "1000000000", "a", str(2**63)):
        asked = client.get(f"{filled}/pairs", params={"where": "votes > 0", "limit": limit})
        assert asked.status_code == 422


def test_fields_are_listed_and_another_workspace_sees_nothing(
    client: TestClient, session: Session, filled: str
) -> None:
    names = {field["name"] for field in client.get(f"{filled}/pairs/fields").json()}
    assert {"votes", "chosen.length", "source.line"} <= names
    elsewhere = f"/api/v1/datasets/{uuid.uuid4()}/pairs"
    assert client.get(elsewhere, params={"where": "votes > 0"}).status_code == 404


def test_a_view_is_saved_read_replaced_and_deleted(client: TestClient, filled: str) -> None:
    body = {"where": "votes = 2", "orderby": "chosen.length DESC"}
    saved = client.put(f"{filled}/views/two votes", json=body).json()
    assert (saved["where"], saved["orderby"]) == ("votes = 2", "chosen.length DESC")
    asked = client.get(f"{filled}/pairs", params=body).json()
    assert client.get(f"{filled}/views/two votes/pairs").json()["items"] == asked["items"]
    client.put(f"{filled}/views/two votes", json={"where": saved["tree"]})
    [listed] = client.get(f"{filled}/views").json()["items"]
    assert (listed["name"], listed["where"], listed["orderby"]) == ("two votes", "votes = 2", None)
    assert client.put(f"{filled}/views/bad", json={"where": "nope = 1"}).status_code == 422
    assert client.delete(f"{filled}/views/two votes").status_code == 204
    assert client.get(f"{filled}/views/two votes/pairs").status_code == 404
