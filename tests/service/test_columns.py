"""Rows to columns and back: nothing is lost, reordered or invented on the way."""

import uuid

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from curation.items import View
from curation.signals import Column, Level, Scores
from curation.signals.embedding import Embedding
from curation.signals.style import Style
from service.cells import embedding_model, signal_row, write_scores, write_vectors
from service.columns import (
    Generation,
    MissingVectors,
    item_ids,
    load_pairs,
    load_prompts,
    load_scores,
    load_vectors,
    text_id,
    view_texts,
)  # fmt: skip
from service.tables.access import Workspace
from service.tables.datasets import Dataset
from service.tables.items import Response
from service.tables.scores import Score
from tests.workers.dataset import add_dataset


@pytest.fixture
def dataset(session: Session, workspace: Workspace) -> Dataset:
    return add_dataset(session, workspace, 6)


def test_pairs_come_in_the_order_of_their_position(session: Session, dataset: Dataset) -> None:
    pairs = load_pairs(session, dataset.id)
    assert [text[-3:] for text in pairs.rejected] == [f" {n}." for n in range(6)]
    assert pairs.prompts[0] == pairs.prompts[1] == "What should I know about tea, question 0?"
    assert pairs.prompts[0] is pairs.prompts[1]
    assert item_ids(session, dataset.id, Level.pair) == pairs.ids
    some = load_pairs(session, dataset.id, [pairs.ids[4], pairs.ids[2]])
    assert some.ids == [pairs.ids[2], pairs.ids[4]]


def test_prompts_are_distinct_and_in_the_order_of_their_ids(
    session: Session, dataset: Dataset
) -> None:
    prompts = load_prompts(session, dataset.id)
    assert len(prompts) == 3
    assert prompts.ids == sorted(prompts.ids) == item_ids(session, dataset.id, Level.prompt)
    assert set(prompts.texts) == set(load_pairs(session, dataset.id).prompts)


def test_a_response_of_several_turns_is_rendered_and_media_are_empty(
    session: Session, dataset: Dataset
) -> None:
    first, second = session.scalars(
        select(Response).where(Response.text.like("No idea%")).order_by(Response.text).limit(2)
    )
    turns = [{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]
    first.text, first.messages = None, turns
    second.text, second.uri = None, "https://example.org/cat.png"
    session.commit()
    assert load_pairs(session, dataset.id).rejected[:2] == ["Assistant: a\n\nHuman: b", ""]


def test_a_text_is_named_by_prefix_and_body() -> None:
    assert text_id("a", "b") == text_id("a", "b")
    assert len({text_id("a", "b"), text_id("", "ab"), text_id("ab", ""), text_id("b", "a")}) == 4


def test_views_name_equal_texts_alike(session: Session, dataset: Dataset) -> None:
    pairs = load_pairs(session, dataset.id)
    joined = view_texts(pairs, View.prompt_chosen)
    assert (joined.prefixes[2], joined.bodies[2]) == (pairs.prompts[2], pairs.chosen[2])
    prompts = view_texts(pairs, View.prompt)
    assert prompts.ids[0] == prompts.ids[1] != prompts.ids[2]
    assert set(prompts.ids) == set(view_texts(load_prompts(session, dataset.id), View.prompt).ids)


def test_vectors_come_back_as_halves_in_the_order_asked_for(
    session: Session, workspace: Workspace
) -> None:
    model = embedding_model(session, workspace.id, Embedding()).id
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(50, 384)).astype(np.float32)
    ids = [str(uuid.UUID(bytes=rng.bytes(16))) for _ in vectors]
    write_vectors(session, model, ids, vectors, [False] * 50)
    write_vectors(session, model, ids[:5], vectors[:5] + 1, [True] * 5)  # there already: kept
    rows = rng.integers(0, 50, 200)
    found = load_vectors(session, model, [ids[i] for i in rows])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, vectors.astype(np.float16).astype(np.float32)[rows])
    with pytest.raises(MissingVectors, match="1 of 2"):
        load_vectors(session, model, [ids[0], str(uuid.uuid4())])
    assert load_vectors(session, model, []).shape == (0, 0)


def test_a_cell_is_finite_or_has_a_reason(session: Session, dataset: Dataset) -> None:
    ids = item_ids(session, dataset.id, Level.pair)
    row = signal_row(session, dataset.id, Style())
    assert signal_row(session, dataset.id, Style()).id == row.id
    odd = Column(np.array([1.5, np.nan, np.inf, 2]), np.array(["ok", "empty_text", "ok", "ok"]))
    for _ in range(2):  # the second time nothing is new
        write_scores(session, row.id, None, ids[:4], Scores({"x": odd}))
    cells = session.execute(select(Score.value, Score.status).order_by(Score.value, Score.status))
    assert [tuple(cell) for cell in cells] == [
        (1.5, "ok"), (2.0, "ok"), (None, "empty_text"), (None, "not_computable"),
    ]  # fmt: skip
    cell = Generation(row.id, None, "x")
    values = load_scores(session, cell, [ids[3], ids[5], ids[1], ids[0]])
    np.testing.assert_array_equal(values, [2, np.nan, np.nan, 1.5])
    few = load_scores(session, cell, [ids[3], ids[5], ids[1], ids[0], ids[3]], few=True)
    np.testing.assert_array_equal(few, [2, np.nan, np.nan, 1.5, 2])
    assert item_ids(session, dataset.id, Level.pair, without=cell) == ids[4:]
    assert item_ids(session, dataset.id, Level.pair, cell, among=[ids[5], ids[0]]) == [ids[5]]
