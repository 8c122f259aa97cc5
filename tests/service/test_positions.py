"""Positions: uploads come before builds, and neither runs over its share."""

import uuid

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from service.tables.datasets import Upload
from service.tables.pairs import FIRST_BUILD, PairBuild, built_position, position
from tests.service.intake.uploading import ingested, new_dataset, post, trl
from tests.service.labels.pair_building import ask, built, pairs_of

pytestmark = pytest.mark.usefixtures("rung")


def test_the_largest_positions_are_in_order_and_fit() -> None:
    last_line, last_pair = (1 << 36) - 1, (1 << 12) - 1
    upload = position(FIRST_BUILD - 1, last_line, last_pair)
    assert upload < built_position(0, 0) < built_position(1, 0)
    assert built_position(FIRST_BUILD - 1, (1 << 48) - 1) == 2**63 - 1


def test_an_upload_too_many_is_refused(client: TestClient, session: Session) -> None:
    dataset = new_dataset(client)
    ingested(client, dataset, trl(1))
    session.execute(update(Upload).values(ordinal=FIRST_BUILD - 2))
    session.commit()
    assert ingested(client, dataset, trl(2))["state"] == "ingested"
    answer = post(client, dataset, trl(3))
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_uploads")
    again = post(client, dataset, trl(2))
    assert again.status_code == 200  # known bytes need no number
    build = built(client, dataset, "majority")
    order = [pair["build_id"] for pair in pairs_of(client, dataset)]
    assert order == [None] * 3 + [build["id"]] * 2  # of two prompts


def test_a_build_too_many_is_refused(client: TestClient, session: Session) -> None:
    dataset = new_dataset(client)
    ingested(client, dataset, trl(2))
    first = built(client, dataset, "majority")
    own = update(PairBuild).where(PairBuild.id == uuid.UUID(first["id"]))
    session.execute(own.values(ordinal=FIRST_BUILD - 2))
    session.commit()
    assert built(client, dataset, "each_judgment")["pairs"] == 2
    answer = ask(client, dataset, "unanimous")
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_builds")
