"""Rows of the database as the columns that curation works on."""

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from sqlalchemy import String, cast, exists, select
from sqlalchemy.orm import Session, aliased

from curation.items import Pairs, Prompts, Texts, View
from curation.signals import Level
from curation.text import render
from service.errors import Conflict
from service.tables.items import Prompt, Response
from service.tables.pairs import Pair
from service.tables.scores import Score

STREAMED = 2000  # rows held by the server-side cursor
SEPARATOR = "\0"  # occurs in no text of the database


class MissingVectors(Conflict, LookupError):
    """Texts were embedded and lost their vectors, which are shared in the workspace."""

    code = "vectors_missing"

    def __init__(self, missing: int, texts: int) -> None:
        super().__init__(
            f"{missing:,} of {texts:,} texts have no vector any more: an erasure in a dataset that "
            "has them, too, took it; start the job again, which embeds them"
        )


class Generation(NamedTuple):
    """One output of a signal, under the fit that scored it; row-wise signals have none."""

    signal_id: int
    fit_id: int | None
    output: str


def text_id(prefix: str, body: str) -> uuid.UUID:
    """Names a text to embed by its content."""
    digest = hashlib.sha256(f"{prefix}{SEPARATOR}{body}".encode()).digest()
    return uuid.UUID(bytes=digest[:16])


def load_pairs(
    session: Session,
    dataset_id: uuid.UUID,
    ids: Sequence[str] | None = None,
    build_id: uuid.UUID | None = None,
) -> Pairs:
    """The pairs of a dataset, or these of them, or of a build, in the order of their position."""
    pairs = Pairs([], [], [], [], [])
    rendered: dict[str, str] = {}  # a prompt that several pairs share is one string
    for row in pair_rows(session, dataset_id, ids, build_id):
        pair_id, prompt_id, messages, *responses = row
        if prompt_id not in rendered:
            rendered[prompt_id] = render(messages)
        chosen, rejected = response_text(*responses[:2]), response_text(*responses[2:])
        values = (pair_id, prompt_id, rendered[prompt_id], chosen, rejected)
        columns = (pairs.ids, pairs.prompt_ids, pairs.prompts, pairs.chosen, pairs.rejected)
        for column, value in zip(columns, values, strict=True):
            assert isinstance(column, list)
            column.append(value)
    return pairs


def pair_rows(
    session: Session,
    dataset_id: uuid.UUID,
    ids: Sequence[str] | None,
    build_id: uuid.UUID | None = None,
) -> Iterator[Any]:
    chosen, rejected = aliased(Response), aliased(Response)
    rows = (
        select(
            cast(Pair.id, String),
            cast(Pair.prompt_id, String),
            Prompt.messages,
            chosen.text,
            chosen.messages,
            rejected.text,
            rejected.messages,
        )
        .join(Prompt, (Prompt.dataset_id == Pair.dataset_id) & (Prompt.id == Pair.prompt_id))
        .join(chosen, (chosen.dataset_id == Pair.dataset_id) & (chosen.id == Pair.chosen_id))
        .join(
            rejected, (rejected.dataset_id == Pair.dataset_id) & (rejected.id == Pair.rejected_id)
        )
        .where(Pair.dataset_id == dataset_id)
        .order_by(Pair.position)
    )
    if ids is not None:
        rows = rows.where(Pair.id.in_(map(uuid.UUID, ids)))
    if build_id is not None:
        rows = rows.where(Pair.build_id == build_id)
    yield from session.execute(rows.execution_options(yield_per=STREAMED))


def response_text(text: str | None, messages: Sequence[Any] | None) -> str:
    """A response of several turns is rendered; one without text (media) is empty."""
    return text if text is not None else render(messages or [])


def load_prompts(
    session: Session, dataset_id: uuid.UUID, ids: Sequence[str] | None = None
) -> Prompts:
    """The prompts that have a pair, or these of them, in the order of their id."""
    rows = (
        select(cast(Prompt.id, String), Prompt.messages)
        .where(Prompt.dataset_id == dataset_id)
        .where(exists().where(Pair.dataset_id == dataset_id, Pair.prompt_id == Prompt.id))
        .order_by(Prompt.id)
    )
    if ids is not None:
        rows = rows.where(Prompt.id.in_(map(uuid.UUID, ids)))
    found = session.execute(rows.execution_options(yield_per=STREAMED))
    columns = [(prompt_id, render(messages)) for prompt_id, messages in found]
    return Prompts([name for name, _ in columns], [text for _, text in columns])


def item_ids(
    session: Session,
    dataset_id: uuid.UUID,
    level: Level,
    without: Generation | None = None,
    among: Sequence[str] | None = None,
) -> list[str]:
    """Ids of the pairs, or of the prompts that have a pair, in the order of `load_*`.

    Only those without a cell of a signal's generation, and only among these, where asked for.
    """
    column = Pair.id if level == Level.pair else Pair.prompt_id
    order = Pair.position if level == Level.pair else Pair.prompt_id
    wanted = select(cast(column, String)).where(Pair.dataset_id == dataset_id)
    if level == Level.prompt:
        wanted = wanted.group_by(column)
    if among is not None:
        wanted = wanted.where(column.in_(map(uuid.UUID, among)))
    if without is not None:
        cell = exists().where(
            Score.signal_id == without.signal_id,
            Score.fit_id.is_not_distinct_from(without.fit_id),
            Score.output == without.output,
            Score.item_id == column,
        )
        wanted = wanted.where(~cell)
    return list(session.scalars(wanted.order_by(order)))


def load_items(
    session: Session, dataset_id: uuid.UUID, level: Level, ids: Sequence[str] | None = None
) -> Pairs | Prompts:
    load = load_pairs if level == Level.pair else load_prompts
    return load(session, dataset_id, ids)


def view_texts(items: Pairs | Prompts, view: View) -> Texts:
    """The texts of a view, one an item; `ids` are text ids: equal for equal texts."""
    if isinstance(items, Prompts):
        assert view == View.prompt
        prefixes, bodies = [""] * len(items), items.texts
    else:
        answers = items.rejected if view in (View.rejected, View.prompt_rejected) else items.chosen
        bodies = items.prompts if view == View.prompt else answers
        joined = view in (View.prompt_chosen, View.prompt_rejected)
        prefixes = items.prompts if joined else [""] * len(items)
    ids = [str(text_id(prefix, body)) for prefix, body in zip(prefixes, bodies, strict=True)]
    return Texts(ids, prefixes, bodies)


Rows = TypeVar("Rows", bound=Pairs | Prompts)


def with_vectors(session: Session, items: Rows, model_id: int, views: Iterable[View]) -> Rows:
    """The same items with the vectors of these views. MissingVectors where one is missing."""
    vectors = {view: load_vectors(session, model_id, view_texts(items, view).ids) for view in views}
    return replace(items, vectors=vectors)


VECTORS = """
SELECT vector FROM unnest(%s::uuid[]) WITH ORDINALITY AS wanted(text_id, place)
JOIN embeddings USING (text_id) WHERE model_id = %s ORDER BY place
"""


def load_vectors(session: Session, model_id: int, text_ids: Sequence[str]) -> NDArray[np.float32]:
    """(n, d) in the order of the ids. MissingVectors where a text has none."""
    distinct = list(dict.fromkeys(text_ids))
    if not distinct:
        return np.zeros((0, 0), np.float32)
    with raw(session).cursor(binary=True) as cursor:
        cursor.execute(VECTORS, (distinct, model_id))
        sent: list[bytes] = [vector for (vector,) in cursor]
    if len(sent) != len(distinct):
        raise MissingVectors(len(distinct) - len(sent), len(distinct))
    # halfvec's binary form: length and a spare field (int16 each), then big-endian halves
    table = np.frombuffer(b"".join(sent), ">f2").reshape(len(distinct), -1)[:, 2:]
    place = {name: i for i, name in enumerate(distinct)}
    return table.astype(np.float32)[[place[name] for name in text_ids]]


def raw(session: Session) -> Connection[Any]:
    """psycopg's connection, for COPY and binary results in the session's transaction."""
    session.flush()
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, Connection)
    return connection


def load_scores(
    session: Session, scores: Generation, ids: Sequence[str], *, few: bool = False
) -> NDArray[np.float64]:
    """Values in the order of the item ids, NaN where a cell is missing or has no value. `few`: of
    a large dataset, so that only their cells are read."""
    fit = Score.fit_id.is_(None) if scores.fit_id is None else Score.fit_id == scores.fit_id
    cells = select(cast(Score.item_id, String), Score.value).where(
        Score.signal_id == scores.signal_id, fit, Score.output == scores.output
    )
    queries = [cells.execution_options(yield_per=STREAMED)]
    if few:
        names = sorted({*ids})
        blocks = (names[start : start + STREAMED] for start in range(0, len(names), STREAMED))
        queries = [cells.where(Score.item_id.in_(map(uuid.UUID, block))) for block in blocks]
    found: dict[str, float | None] = {
        item: value for query in queries for item, value in session.execute(query)
    }
    return np.array([found.get(name) for name in ids], np.float64)
