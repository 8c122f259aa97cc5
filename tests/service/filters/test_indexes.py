"""How filters and rows of scores are read, on a dataset large enough that the planner chooses."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from service.filters import words
from service.filters.builder import match
from service.filters.query import Query
from service.tables.access import Workspace
from service.viewer.snapshots import fill_scores, score_values, snapshot_of, with_scores
from service.viewer.statistics import statistics
from tests.service.viewer.scored import add_style
from tests.workers.dataset import add_dataset

ROWS = 50_000
FILL = """
INSERT INTO datasets (id, workspace_id, name) VALUES (:d, :w, 'large');
INSERT INTO uploads (id, dataset_id, ordinal, filename, sha256, size, state)
    VALUES (:d, :d, 1, 'x', sha256('x'), 1, 'ingested');
INSERT INTO pairs (dataset_id, id, position, prompt_id, chosen_id, rejected_id, content_id,
    upload_id, line, votes, agreement)
    SELECT :d, md5('x' || i)::uuid, (CAST(1 AS bigint) << 48) | (CAST(i AS bigint) << 12),
    md5('p' || i)::uuid, md5('c' || i)::uuid, md5('r' || i)::uuid, md5('c' || i)::uuid, :d, i,
    1 + i % 3, 1 FROM generate_series(1, :rows) i;
INSERT INTO signals (dataset_id, identity, kind, version, spec) VALUES (:d, 'x', 'style', 1, '{}');
INSERT INTO scores (signal_id, output, item_id, value)
    SELECT signals.id, output, md5('x' || i)::uuid, (i * 7919 % 1000) / 1000.0
    FROM signals, generate_series(1, :rows) i,
    unnest(ARRAY['length_log_ratio', 'words_delta']) output WHERE dataset_id = :d;
ANALYZE pairs;
ANALYZE scores
"""
TEXTS = """
INSERT INTO prompts (dataset_id, id, messages)
    SELECT :d, md5('p' || i)::uuid, '[]' FROM generate_series(1, :rows) i;
INSERT INTO responses (dataset_id, id, prompt_id, text)
    SELECT :d, md5(which || i)::uuid, md5('p' || i)::uuid, 'x'
    FROM generate_series(1, :rows) i, unnest(ARRAY['c', 'r']) which;
INSERT INTO pair_words (dataset_id, pair_id, words)
    SELECT :d, md5('x' || i)::uuid, to_tsvector('simple', 'w' || i || ' half' || i % 2)
    FROM generate_series(1, :rows) i;
ANALYZE prompts;
ANALYZE responses;
ANALYZE pair_words
"""


@pytest.fixture
def large(session: Session, workspace: Workspace) -> uuid.UUID:
    dataset = uuid.uuid4()
    run(session, FILL, {"d": dataset, "w": workspace.id, "rows": ROWS})
    return dataset


def run(session: Session, statements: str, values: dict[str, Any]) -> None:
    for statement in statements.split(";\n"):
        wanted = text(statement)
        session.execute(wanted, {name: values[name] for name in wanted.compile().params})


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def explained(session: Session, statement: str, values: Any) -> list[dict[str, Any]]:
    [plan] = session.execute(text(f"EXPLAIN (FORMAT JSON) {statement}"), values).scalar_one()
    return list(nodes(plan["Plan"]))


def test_the_rows_of_scores_are_filled_by_hash_joins(session: Session, large: uuid.UUID) -> None:
    snapshot = snapshot_of(session, large)
    found = explained(session, fill_scores(snapshot.scores), score_values(snapshot))
    deep = [node for node in found if node["Node Type"] == "Nested Loop"]
    assert all(node["Plan Rows"] < 10 for node in deep)
    assert any("Hash" in node["Node Type"] for node in found)


def test_a_page_by_scores_reads_them_by_position(session: Session, large: uuid.UUID) -> None:
    where = "style.length_log_ratio > 0.4 AND style.words_delta < 0.9 AND votes >= 1"
    page, _ = Query(session, large, where).page(100)
    session.execute(text("ANALYZE pair_scores"))
    assert len(page) == 100
    plan = Query(session, large, where).explain()["plan"]
    read = {node.get("Relation Name") for node in nodes(plan)} - {None}
    assert read == {"pairs", "pair_scores"}  # not the cells
    assert Query(session, large, where).count() == sum(
        1 for i in range(1, ROWS + 1) if 400 < i * 7919 % 1000 < 900
    )


def test_lines_prompts_and_positions_are_found_by_index(session: Session, large: uuid.UUID) -> None:
    for statement in (
        "SELECT position FROM pairs WHERE dataset_id = :d ORDER BY position LIMIT 100",
        "SELECT id FROM pairs WHERE dataset_id = :d AND prompt_id = :d",
        "SELECT value FROM scores WHERE item_id = :d",
        "SELECT text_id FROM embedded_prompts WHERE dataset_id = :d ORDER BY model_id DESC LIMIT 1",
    ):
        found = {node["Node Type"] for node in explained(session, statement, {"d": large})}
        assert found & {"Index Scan", "Index Only Scan", "Bitmap Index Scan"}, (statement, found)
        assert "Seq Scan" not in found


def used(plan: list[dict[str, Any]]) -> set[str]:
    return {node["Index Name"] for node in plan if "Index Name" in node}


def test_texts_are_read_by_index(
    session: Session, large: uuid.UUID, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words by theirs; the statistics of a small dataset beside a large one, by owner."""
    run(session, TEXTS, {"d": large, "rows": ROWS})
    rare = Query(session, large, match("w77 -w78").node)
    assert used([rare.explain()["plan"]]) == {"pairs_pkey"}  # of the ids that were found
    assert len(rare.page(10)[0]) == 1
    monkeypatch.setattr(words, "RARE", 0)
    for where in (match("w77"), match("half1"), ~match("w77 half1"), match("w77") | match("w78")):
        frequent = Query(session, large, where.node)
        with frequent.limited():
            found = list(nodes(frequent.explain()["plan"]))
        assert "pair_words_dataset_id_words_idx" in used(found), where.node
        assert not any(node["Node Type"] == "Seq Scan" for node in found)

    with_scores(session, snapshot_of(session, large))
    small = add_dataset(session, workspace, 60)
    add_style(session, small)
    snapshot = with_scores(session, snapshot_of(session, small.id))
    session.execute(text("ANALYZE pairs, pair_scores, prompts, responses"))
    asked: list[tuple[str, Any]] = []

    def listen(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
        asked.append((statement, values))

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", listen)
    statistics(session, snapshot)
    event.remove(connection, "before_cursor_execute", listen)
    computed = [each for each in asked if each[0].startswith("SELECT")]
    assert len(computed) > 2 * 14
    for statement, values in computed:
        [plan] = connection.exec_driver_sql(
            f"EXPLAIN (FORMAT JSON) {statement}", values
        ).scalar_one()
        found = list(nodes(plan["Plan"]))
        read = {node.get("Relation Name") for node in found if node["Node Type"] == "Seq Scan"}
        assert read.isdisjoint({"pairs", "pair_scores", "prompts", "responses"}), statement
        assert used(found) & {"pairs_dataset_id_position_key", "pairs_pkey", "pair_scores_pkey",
                              "pairs_dataset_id_prompt_id_idx"}, statement  # fmt: skip
