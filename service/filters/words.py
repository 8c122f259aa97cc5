"""MATCH: pairs by their words, through an index that a worker fills when it is first needed.

What is searched is the prompt, the chosen and the rejected answer, one after the other: a phrase
may begin in one and end in the next. `pair_words` keeps the words of a pair under its id, which
names its texts: a row is never out of date. Pairs that are not in it yet are read one by one.
"""

import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import psycopg
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Interval,
    Uuid,
    and_,
    any_,
    case,
    func,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, aliased

from service import db
from service.filters.fields import Tables, answer_text, joined
from service.ingest.store import try_reading
from service.queue import ACTIVE_STATES, enqueue
from service.tables.datasets import Dataset
from service.tables.jobs import Job, JobKind
from service.tables.pairs import Pair
from service.tables.viewer import PairWords, Snapshot

CONFIGURATION = "simple"  # any language, no stemming
# PostgreSQL refuses more than a megabyte of words and places. Of these bytes, however they are
# chosen, at most four are made of one.
MOST_BYTES = 200_000  # of the three texts together
BEGINNING = 25_000  # characters that are searched of each text of a pair that has more
FEW = 500  # pairs that a request adds to the index itself
RARE = 10_000  # pairs with the words that are looked up by their ids
# What a subquery finds is kept in memory, or is found again for each pair.
ROOM = text("SET LOCAL work_mem = '256MB'")
SOON = text("SET LOCAL statement_timeout = '5s'")
WHENEVER = text("SET LOCAL statement_timeout = DEFAULT")
PATIENCE_MINUTES = 10  # before a worker is asked for the same again


class Words:
    """The words of a dataset's pairs."""

    def __init__(self, session: Session, snapshot: Snapshot) -> None:
        self.session, self.snapshot = session, snapshot
        self.dataset_id = snapshot.dataset_id

    def match(self, said: str) -> ColumnElement[bool]:
        """Whether a pair's texts hold these words, read as a web search is."""
        query = func.websearch_to_tsquery(CONFIGURATION, said)
        own = PairWords.dataset_id == self.dataset_id
        found = select(PairWords.pair_id).where(own, holds(PairWords.words, query))
        # A subquery, not a join: the index answers it under NOT and OR, too.
        indexed = Pair.id.in_(found)
        if self.complete:
            ids = self.ids(found)
            return indexed if ids is None else Pair.id == any_(literal(ids, ARRAY(Uuid)))
        pair, tables = aliased(Pair, name="unread"), Tables()
        unread = with_texts(select(pair.id), pair, tables).where(
            pair.dataset_id == self.dataset_id, unindexed(pair), holds(document(tables), query)
        )
        return or_(indexed, Pair.id.in_(unread))

    def ids(self, found: Any) -> list[uuid.UUID] | None:
        """Of the pairs that are found; None where they are many.

        Rare words are looked up by themselves, and by the index whatever the planner takes them
        for: where its statistics are old, it reads the words of pair after pair. With frequent
        words that is soon over.
        """
        self.session.execute(ROOM)
        try:
            with self.session.begin_nested(), without(self.session, "seqscan", "indexscan"):
                self.session.execute(SOON)
                ids = self.session.scalars(found.limit(RARE + 1)).all()
                self.session.execute(WHENEVER)
        except OperationalError as error:
            if isinstance(error.orig, psycopg.errors.QueryCanceled):
                return None  # the query itself has more time
            raise
        return None if len(ids) > RARE else list(ids)

    @cached_property
    def complete(self) -> bool:
        """Whether every pair is indexed. A few are added at once; for many a worker is asked."""
        if not self.snapshot.worded:
            missing = unindexed_pairs(self.session, self.dataset_id, FEW + 1)
            if len(missing) > FEW:
                self.ask()
            # Nobody waits here for an ingest or an erasure of the dataset.
            elif not missing or try_reading(self.session, self.dataset_id):
                added = add_words(self.session, self.dataset_id, missing)
                self.snapshot.worded = added == len(missing)
                self.session.flush()
        return self.snapshot.worded

    def ask(self) -> None:
        """Have a worker fill the index, unless one is at it or has just tried."""
        since = func.now() - func.make_interval(0, 0, 0, 0, 0, PATIENCE_MINUTES, type_=Interval())
        asked = select(Job.id).where(
            Job.dataset_id == self.dataset_id, Job.kind == JobKind.index_words,
            or_(Job.state.in_(ACTIVE_STATES), Job.created_at > since),
        )  # fmt: skip
        # A transaction of its own: the worker is asked also where this query takes too long.
        with db.new_session.begin() as session:
            if session.scalar(asked.limit(1)) is None:
                workspace = session.get_one(Dataset, self.dataset_id).workspace_id
                job = Job(
                    workspace_id=workspace, dataset_id=self.dataset_id, kind=JobKind.index_words,
                    spec={}, stages=["index"],
                )  # fmt: skip
                enqueue(session, job)


@contextmanager
def without(session: Session, *ways: str) -> Generator[None]:
    """Inside, the planner takes these ways only where there is no other: it counts the reading of
    a pair's words as nothing."""
    for way in ways:
        session.execute(text(f"SET LOCAL enable_{way} = off"))
    yield
    for way in ways:
        session.execute(text(f"SET LOCAL enable_{way} = on"))


def holds(words: Any, query: Any) -> ColumnElement[bool]:
    return words.op("@@", is_comparison=True)(query)


def document(tables: Tables) -> ColumnElement[Any]:
    """The words of a pair's texts and their places."""
    texts: list[Any] = [
        joined(tables.prompt.messages), answer_text(tables.chosen), answer_text(tables.rejected),
    ]  # fmt: skip
    whole = func.concat_ws(" ", *texts)
    beginning = func.concat_ws(" ", *(func.left(each, BEGINNING) for each in texts))
    searched = case((func.octet_length(whole) <= MOST_BYTES, whole), else_=beginning)
    return func.to_tsvector(CONFIGURATION, searched)


def with_texts(query: Any, pair: Any, tables: Tables) -> Any:
    for table, id in (
        (tables.prompt, pair.prompt_id),
        (tables.chosen, pair.chosen_id),
        (tables.rejected, pair.rejected_id),
    ):
        query = query.join(table, and_(table.dataset_id == pair.dataset_id, table.id == id))
    return query


def unindexed(pair: Any) -> ColumnElement[bool]:
    own = and_(PairWords.dataset_id == pair.dataset_id, PairWords.pair_id == pair.id)
    return ~select(PairWords.pair_id).where(own).correlate(pair).exists()


def unindexed_pairs(
    session: Session, dataset_id: uuid.UUID, limit: int, first: int = 0, last: int = (1 << 63) - 1
) -> Sequence[int]:
    """Positions of pairs from `first` to `last` whose words are not in the index."""
    own = (Pair.dataset_id == dataset_id, Pair.position.between(first, last), unindexed(Pair))
    return session.scalars(
        select(Pair.position).where(*own).order_by(Pair.position).limit(limit)
    ).all()


def add_words(session: Session, dataset_id: uuid.UUID, positions: Sequence[int]) -> int:
    """Index these pairs; how many were added.

    The caller reads the dataset (`try_reading`, `read_dataset`): what is erased meanwhile would
    come back.
    """
    tables = Tables()
    found = with_texts(select(Pair.dataset_id, Pair.id, document(tables)), Pair, tables).where(
        Pair.dataset_id == dataset_id, Pair.position.in_(positions), unindexed(Pair)
    )
    names = ("dataset_id", "pair_id", "words")
    adding = insert(PairWords).from_select(names, found).on_conflict_do_nothing()
    added: Any = session.execute(adding.execution_options(preserve_rowcount=True))
    return added.rowcount
