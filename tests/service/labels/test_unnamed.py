"""What an upload brought is named by its records: nothing of it goes with what nothing names."""

import uuid

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.labels.unnamed import delete_unnamed
from service.tables.items import Prompt, Response
from tests.service.formats.test_conformance import FORMATS, rows_of
from tests.service.intake.uploading import ingested, new_dataset


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.usefixtures("rung")
def test_no_text_of_a_layout_is_unnamed(name: str, client: TestClient, session: Session) -> None:
    dataset = new_dataset(client)
    ingested(client, dataset, b"\n".join(map(orjson.dumps, rows_of(name))), layout=name)
    found = [
        session.scalar(select(func.count()).where(table.dataset_id == uuid.UUID(dataset)))
        for table in (Prompt, Response)
    ]
    assert found[0], name
    assert delete_unnamed(session, uuid.UUID(dataset)) == {
        "embeddings": 0, "responses": 0, "prompts": 0,
    }  # fmt: skip
