"""The viewer's pages: their shape, their rows, and who may see them."""

import uuid
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.auth import create_key
from service.tables.access import Workspace
from service.tables.datasets import Dataset, Upload
from service.tables.items import Prompt, Response
from service.tables.pairs import Pair
from tests.workers.dataset import add_dataset

COLUMNS = [
    "prompt", "chosen", "rejected", "pair_id", "prompt_id", "votes", "agreement", "source",
]  # fmt: skip


@pytest.fixture
def dataset(session: Session, workspace: Workspace) -> Dataset:
    return add_dataset(session, workspace, 230)


def get(client: TestClient, dataset: Dataset, what: str, **query: Any) -> Any:
    answer = client.get(f"/api/v1/datasets/{dataset.id}/{what}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def oracle(session: Session, dataset: Dataset) -> list[dict[str, Any]]:
    """Every row, put together from the tables one by one."""
    rows: list[dict[str, Any]] = []
    for pair in session.scalars(
        select(Pair).where(Pair.dataset_id == dataset.id).order_by(Pair.position)
    ):
        prompt = session.get_one(Prompt, (dataset.id, pair.prompt_id))
        upload = session.get_one(Upload, pair.upload_id)
        answers = [
            session.get_one(Response, (dataset.id, id)) for id in (pair.chosen_id, pair.rejected_id)
        ]
        chosen, rejected = ([{"role": "assistant", "content": found.text}] for found in answers)
        rows.append(
            {
                "prompt": prompt.messages, "chosen": chosen, "rejected": rejected,
                "pair_id": str(pair.id), "prompt_id": str(pair.prompt_id), "votes": pair.votes,
                "agreement": pair.agreement, "source": f"{upload.sha256.hex()[:16]}:{pair.line}",
            }
        )  # fmt: skip
    return rows


def test_pages_say_what_the_tables_say(
    client: TestClient, session: Session, dataset: Dataset
) -> None:
    rows = oracle(session, dataset)
    for offset, length in ((0, 100), (100, 100), (200, 100), (37, 5), (229, 1), (230, 9), (0, 0)):
        page = get(client, dataset, "rows", offset=offset, length=length)
        assert [found["row"] for found in page["rows"]] == rows[offset : offset + length]
        numbers = range(offset, min(offset + length, 230))
        assert [found["row_idx"] for found in page["rows"]] == list(numbers)
        assert (page["num_rows_total"], page["num_rows_per_page"]) == (230, 100)
        assert [found["name"] for found in page["features"]] == COLUMNS


def test_the_viewers_own_form_gives_the_same_page(client: TestClient, dataset: Dataset) -> None:
    query = {"dataset": dataset.name, "config": "default", "split": "train", "offset": 3}
    answer = client.get("/api/v1/viewer/rows", params=query)
    assert answer.json() == get(client, dataset, "rows", offset=3)


def test_a_page_has_at_most_a_hundred_rows(client: TestClient, dataset: Dataset) -> None:
    path = f"/api/v1/datasets/{dataset.id}/rows"
    for query in ({"length": 101}, {"length": -1}, {"offset": -1}, {"offset": 1 << 63}):
        assert client.get(path, params=query).status_code == 422


def test_an_unknown_split_is_not_found(client: TestClient, dataset: Dataset) -> None:
    for query in ({"split": "test"}, {"config": "en"}):
        path = f"/api/v1/datasets/{dataset.id}/rows"
        assert client.get(path, params=query).status_code == 404
    assert client.get("/api/v1/viewer/rows").json()["code"] == "missing_parameter"


def test_a_dataset_of_another_workspace_is_not_found(
    client: TestClient, session: Session, dataset: Dataset
) -> None:
    other = Workspace(name="other")
    session.add(other)
    session.flush()
    stranger = {"Authorization": f"Bearer {create_key(session, other, 'other')}"}
    session.commit()
    kinds = (
        "rows", "first-rows", "splits", "is-valid", "statistics", "size", "info", "parquet",
        "croissant", "pairs.ndjson", "pairs.arrow", "parquet/train-00000-of-00001.parquet",
    )  # fmt: skip
    for kind in kinds:
        answers = [
            client.get(f"/api/v1/datasets/{id}/{kind}", headers=stranger)
            for id in (dataset.id, uuid.uuid4())
        ]
        assert [answer.status_code for answer in answers] == [404, 404], kind
        by_name = client.get(
            "/api/v1/viewer/rows", params={"dataset": dataset.name}, headers=stranger
        )
        assert by_name.status_code == 404


def test_an_empty_dataset_has_columns_and_no_rows(
    client: TestClient, session: Session, workspace: Workspace
) -> None:
    empty = add_dataset(session, workspace, 0)
    page = get(client, empty, "rows")
    assert (page["rows"], page["num_rows_total"]) == ([], 0)
    assert [found["name"] for found in page["features"]] == COLUMNS
    assert get(client, empty, "statistics")["num_examples"] == 0
    assert get(client, empty, "size")["size"]["dataset"]["num_rows"] == 0
    assert client.get(f"/api/v1/datasets/{empty.id}/pairs.ndjson").content == b""


def test_messages_of_several_turns_and_parts_are_read(
    client: TestClient, session: Session, workspace: Workspace
) -> None:
    dataset = add_dataset(session, workspace, 3)
    pair = session.scalars(select(Pair).where(Pair.dataset_id == dataset.id)).first()
    assert pair
    said = [
        {"role": "system", "content": "Sei nett. 🙂\u2028"},
        {
            "role": "user",
            "content": [{"type": "text", "text": '«"\\'}, {"type": "image"}],
            "name": "x",
        },
    ]
    session.get_one(Prompt, (dataset.id, pair.prompt_id)).messages = said
    chosen = session.get_one(Response, (dataset.id, pair.chosen_id))
    chosen.text, chosen.messages = (
        None,
        [{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}],
    )
    rejected = session.get_one(Response, (dataset.id, pair.rejected_id))
    rejected.text, rejected.uri = None, "https://example.org/1.png"
    session.commit()
    rows = get(client, dataset, "rows")["rows"]
    row = next(found["row"] for found in rows if found["row"]["pair_id"] == str(pair.id))
    assert row["prompt"] == [
        {"role": "system", "content": "Sei nett. 🙂\u2028"}, {"role": "user", "content": "«\"\\"},
    ]  # fmt: skip
    assert [turn["content"] for turn in row["chosen"]] == ["a", "b"]
    assert row["rejected"][0]["content"] == "https://example.org/1.png"


def test_long_texts_are_cut_and_named(
    client: TestClient, session: Session, workspace: Workspace
) -> None:
    dataset = add_dataset(session, workspace, 2)
    pair = session.scalars(select(Pair).where(Pair.dataset_id == dataset.id)).first()
    assert pair
    session.get_one(Response, (dataset.id, pair.chosen_id)).text = "ä" * 6_000_000
    session.commit()
    rows = get(client, dataset, "rows")["rows"]
    assert [found["truncated_cells"] for found in rows] == [["chosen"], []]
    assert len(rows[0]["row"]["chosen"][0]["content"]) == 100_000


def test_a_changed_dataset_has_another_number_of_rows(
    client: TestClient, session: Session, dataset: Dataset
) -> None:
    assert get(client, dataset, "rows", length=1)["num_rows_total"] == 230
    upload = session.scalars(select(Upload).where(Upload.dataset_id == dataset.id)).one()
    last = session.scalars(
        select(Pair).where(Pair.dataset_id == dataset.id).order_by(Pair.position.desc())
    ).first()
    session.delete(last)
    upload.pairs = 229
    session.commit()
    page = get(client, dataset, "rows", offset=225)
    assert (page["num_rows_total"], len(page["rows"])) == (229, 4)
