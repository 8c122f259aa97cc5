"""ANY and ALL over every judgment of a pair, wherever it was given."""

import os
import uuid
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from service.filters import to_text
from service.filters.query import Query
from service.tables.datasets import Upload
from service.tables.items import Prompt, Response
from service.tables.pairs import Pair
from tests.service.filters import judged_lines
from tests.service.filters.expressions import judged, meaning
from tests.service.intake.uploading import ingested, new_dataset
from tests.service.labels.pair_building import built

pytestmark = pytest.mark.usefixtures("rung")
CASES = int(os.environ.get("PREFSIFT_FILTER_CASES", "40"))
POLICIES = ("majority", {"kind": "all_pairs"}, "ranked_all", "each_judgment")


@pytest.fixture
def lines() -> dict[str, list[judged_lines.Line]]:
    made = judged_lines.uploads(7, ("one", "two", "withdrawn"), 16)
    for line in made["withdrawn"]:
        for kind in ("comparisons", "ratings", "rankings"):
            line.record[kind] = [each | {"annotator": "eve"} for each in line.record[kind]]
    return made


@pytest.fixture
def filled(client: TestClient, lines: dict[str, list[judged_lines.Line]]) -> uuid.UUID:
    dataset = new_dataset(client)
    taken = {
        name: ingested(client, dataset, judged_lines.content(own), filename=f"{name}.jsonl")
        for name, own in lines.items()
    }
    assert all(upload["rejected"] == 0 for upload in taken.values())
    answer = client.post(f"/api/v1/uploads/{taken['withdrawn']['id']}/withdraw")
    assert answer.status_code == 200, answer.text
    for policy in POLICIES:
        assert built(client, dataset, policy)["pairs"] > 0
    return uuid.UUID(dataset)


@pytest.fixture
def known(
    session: Session, filled: uuid.UUID, lines: dict[str, list[judged_lines.Line]]
) -> dict[int, dict[str, Any]]:
    """The judgments of each pair by its position: of its line, or of its whole prompt."""
    found: dict[int, dict[str, Any]] = {}
    there = [line for name in ("one", "two") for line in lines[name]]
    names = {id: name.partition(".")[0] for id, name in session.execute(
        select(Upload.id, Upload.filename).where(Upload.dataset_id == filled))}  # fmt: skip
    for pair in session.scalars(select(Pair).where(Pair.dataset_id == filled)):
        chosen, rejected = (
            session.get_one(Response, (filled, id)).text or ""
            for id in (pair.chosen_id, pair.rejected_id)
        )
        prompt = session.get_one(Prompt, (filled, pair.prompt_id)).messages
        own = [
            line for line in there
            if line.record["messages"] == prompt
            and (pair.build_id or line[:2] == (names[pair.upload_id], pair.line))
        ]  # fmt: skip
        found[pair.position] = {"judgments": judged_lines.judgments(own, chosen, rejected)}
    return found


@settings(
    max_examples=CASES, deadline=None, print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(tree=judged())
def test_quantifiers_keep_what_plain_python_keeps(
    tree: Any, session: Session, filled: uuid.UUID, known: dict[int, dict[str, Any]]
) -> None:
    kept, _ = Query(session, filled, tree).page(1000)
    expected = sorted(at for at, values in known.items() if meaning(tree, values) is True)
    assert kept == expected, to_text(tree)


def test_what_is_compared_holds_all_kinds(
    client: TestClient, session: Session, filled: uuid.UUID, known: dict[int, dict[str, Any]]
) -> None:
    """Judgments of every label of both kinds of pairs, of built ones from more than one line; what
    a withdrawn upload says is asked once it is restored; records are found by their prompt."""
    pairs = session.scalars(select(Pair).where(Pair.dataset_id == filled)).all()
    built = {pair.position for pair in pairs if pair.build_id}
    assert min(len(built), len(known) - len(built)) > 10
    labels = {
        (at in built, each["label"]) for at, one in known.items() for each in one["judgments"]
    }
    assert len(labels) == 6
    most = [
        max(len(known[at]["judgments"]) for at in group) for group in (built, known.keys() - built)
    ]
    assert most[0] > most[1]
    by_eve = "ANY(judgment, annotator.name = 'eve') AND source.filename <> 'withdrawn.jsonl'"
    assert Query(session, filled, by_eve).count() == 0
    [upload] = session.scalars(select(Upload.id).where(Upload.filename == "withdrawn.jsonl"))
    assert client.post(f"/api/v1/uploads/{upload}/restore").status_code == 200
    assert Query(session, filled, by_eve).count() > 0
    session.execute(text("SET LOCAL enable_seqscan = off"))
    # Not the plan of the whole filter: which index it begins with hangs on the tables' statistics.
    of_prompt = "EXPLAIN SELECT line FROM records WHERE dataset_id = :d AND prompt_id = :d"
    plan = session.scalars(text(of_prompt), {"d": filled}).all()
    assert "records_dataset_id_prompt_id_idx" in " ".join(plan)


def test_a_pair_of_the_ingest_is_judged_by_its_own_line(client: TestClient) -> None:
    dataset = new_dataset(client)
    row = {
        "messages": [{"role": "user", "content": "p"}],
        "responses": [{"id": "0", "text": "yes"}, {"id": "1", "text": "no"}],
        "comparisons": [{"a": "0", "b": "1", "outcome": "a", "annotator": "ann"}],
    }
    other = {**row, "comparisons": [{"a": "1", "b": "0", "outcome": "b", "annotator": "bob"}]}
    both = [judged_lines.Line("x", n, each) for n, each in enumerate((row, other), 1)]
    ingested(client, dataset, judged_lines.content(both))
    built(client, dataset, "majority")
    path = f"/api/v1/datasets/{dataset}/pairs"
    by_bob = client.get(path, params={"where": "ANY(judgment, annotator.name = 'bob')"}).json()
    assert [bool(pair["build_id"]) for pair in by_bob["items"]] == [False, True]
    by_both = "ALL(judgment, outcome = 'chosen') AND ANY(judgment, annotator.name = 'ann')"
    found = client.get(path, params={"where": f"{by_both} AND votes = 2"}).json()["items"]
    assert [(pair["build_id"] is not None, pair["votes"]) for pair in found] == [(True, 2)]
