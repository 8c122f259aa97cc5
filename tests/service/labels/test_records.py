"""What was uploaded comes back from the tables as it was given."""

import uuid
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from service.formats import FORMATS
from service.labels.records import load_records
from tests.service.formats.test_conformance import FULL, pair
from tests.service.intake.uploading import ingested, new_dataset

pytestmark = pytest.mark.usefixtures("rung")


def lines(*rows: dict[str, Any]) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def test_a_record_with_every_kind_of_label_comes_back_equal(
    client: TestClient, session: Session
) -> None:
    dataset = new_dataset(client)
    ingested(client, dataset, lines(*FORMATS["native"].write(FULL)))
    [stored] = load_records(session, uuid.UUID(dataset))
    assert stored.record == FULL
    assert stored.line == 1


def test_implied_names_come_back(client: TestClient, session: Session) -> None:
    dataset = new_dataset(client)
    record = pair("yes", "no", margin=2)
    ingested(client, dataset, lines(*FORMATS["trl_preference"].write(record)))
    [stored] = load_records(session, uuid.UUID(dataset))
    assert stored.record == record


def test_records_come_in_the_order_of_the_lines_and_can_be_narrowed(
    client: TestClient, session: Session
) -> None:
    dataset = new_dataset(client)
    native = FORMATS["native"]
    records = [pair(f"yes {i}", "no", f"prompt {i}") for i in range(1203)]
    rows = [row for record in records for row in native.write(record)]
    first = ingested(client, dataset, lines(*rows[:1200]))
    ingested(client, dataset, lines(*rows[1200:]))
    stored = list(load_records(session, uuid.UUID(dataset)))
    assert [each.record for each in stored] == records
    assert [each.line for each in stored] == [*range(1, 1201), 1, 2, 3]
    narrowed = load_records(session, uuid.UUID(dataset), uuid.UUID(first["id"]))
    assert len(list(narrowed)) == 1200
