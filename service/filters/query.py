"""Pairs that a filter keeps, in any order, a page at a time."""

import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, TypeAlias

import psycopg
from sqlalchemy import ClauseElement, Executable, Select, and_, literal, select, text
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler

from service.config import settings
from service.filters.compile import Compiler
from service.filters.fields import Catalogue, Tables
from service.filters.forms import from_json, to_text
from service.filters.judgments import LABELS, labels_of
from service.filters.meaning import Meanings
from service.filters.order import after, keys, ordered, read_order
from service.filters.parse import parse
from service.filters.tree import BadFilter, Call, Node
from service.filters.words import Words, without
from service.paging import decode_cursor, encode_cursor
from service.tables.pairs import Pair
from service.tables.viewer import Snapshot
from service.viewer.snapshots import earlier_snapshot, snapshot_of, with_scores

Where: TypeAlias = "str | dict[str, Any] | Node | None"


class Query:
    """A filter and an order over a dataset. Raises BadFilter where they are wrong."""

    def __init__(
        self, session: Session, dataset_id: Any, where: Where = None, orderby: str | None = None
    ) -> None:
        self.session, self.dataset_id = session, dataset_id
        self.tree = tree_of(where)
        self.order = read_order(orderby)
        quantified = uses(self.tree, "any", "all")
        self.labels = labels_of(session, dataset_id) if quantified else frozenset(LABELS)
        self.meanings = Meanings(session, dataset_id)
        newest = snapshot_of(session, dataset_id)
        self.words = Words(session, newest)
        self.read_at(newest)

    def read_at(self, snapshot: Snapshot) -> None:
        """From now on scores are those of this snapshot."""
        self.snapshot, self.tables = snapshot, Tables()
        compiler = Compiler(
            Catalogue(snapshot.scores), self.tables, self.labels, self.meanings, self.words
        )
        self.condition = None if self.tree is None else compiler.condition(self.tree)
        self.keys = [key for wanted in self.order for key in keys(compiler, wanted)]
        if self.scored:
            self.snapshot = with_scores(self.session, snapshot)

    @property
    def scored(self) -> bool:
        """Whether the filter or the order reads scores: its pages are of one snapshot."""
        return "scored" in self.tables.used

    @property
    def seconds(self) -> float:
        """That it may take: less with a pattern, whose cost its writer chooses."""
        most = settings.query_seconds
        patterns = uses(self.tree, "like", "ilike")
        return min(settings.pattern_seconds, most) if patterns else most

    @contextmanager
    def limited(self) -> Generator[None]:
        """Inside: the filter's query, which has so many seconds."""
        with limited(self.session, self.seconds, self.advice):
            if uses(self.tree, "match"):
                with without(self.session, "seqscan"):
                    yield
            else:
                yield

    @property
    def advice(self) -> str:
        """Said where it takes too long."""
        if uses(self.tree, "match") and not self.words.complete:
            return "; a worker is indexing the words for MATCH: ask again in some minutes"
        return ""

    @property
    def scope(self) -> str:
        """What a cursor belongs to: this dataset, filter and order."""
        said = [to_text(self.tree) if self.tree else ""]
        said += [f"{each.path} {each.descending}" for each in self.order]
        digest = hashlib.sha256("\n".join(said).encode()).hexdigest()[:16]
        return f"query {self.dataset_id} {digest}"

    def select(self, *columns: Any) -> Select[Any]:
        """The kept pairs' columns, unordered."""
        query: Any = select(*columns)
        query = query.select_from(Pair).where(Pair.dataset_id == self.dataset_id)
        for name in sorted(self.tables.used):
            query = self.joined(query, name)
        return query if self.condition is None else query.where(self.condition)

    def joined(self, query: Select[Any], name: str) -> Select[Any]:
        if name == "meaning":
            return self.meanings.joined(query, self.tables)
        table = getattr(self.tables, name)
        if name == "upload":
            return query.join(table, table.id == Pair.upload_id)
        if name == "scored":
            on = and_(table.snapshot_id == self.snapshot.id, table.position == Pair.position)
            return query.join(table, on)  # it has a row of each of its pairs
        id = {"prompt": Pair.prompt_id, "chosen": Pair.chosen_id, "rejected": Pair.rejected_id}
        on = and_(table.dataset_id == Pair.dataset_id, table.id == id[name])
        return query.join(table, on)

    def page(self, limit: int, cursor: str | None = None) -> tuple[list[int], str | None]:
        """Positions of up to `limit` pairs, and the cursor of the next page.

        Where scores are read, all pages are of the first one's snapshot. Raises Gone once that was
        forgotten, BadRequest where the cursor is no good.
        """
        place = decode_cursor(self.scope, cursor)
        if place and place[0] not in (None, self.snapshot.id):
            self.read_at(earlier_snapshot(self.session, self.dataset_id, place[0]))
        query = self.select(Pair.position, *[each.value for each in self.keys])
        query = ordered(query, self.keys).limit(limit + 1)
        if place:
            query = query.where(after(self.keys, place[1:]))
        with self.limited():
            rows = self.session.execute(query).all()
        kept = rows[:limit]
        following = None
        if len(rows) > limit:
            snapshot_id = self.snapshot.id if self.scored else None
            following = encode_cursor(self.scope, [snapshot_id, *kept[-1][1:], kept[-1][0]])
        return [row[0] for row in kept], following

    def rows(self, offset: int, length: int) -> list[int]:
        """Positions by number; what lies deep is better read by cursor."""
        query = ordered(self.select(Pair.position), self.keys).offset(offset).limit(length)
        with self.limited():
            return list(self.session.scalars(query))

    def count(self) -> int:
        """How many pairs are kept, exactly."""
        kept = self.select(literal(1)).subquery()
        with self.limited():
            counted = self.session.execute(select(text("count(*)")).select_from(kept))
            return counted.scalar_one()

    def explain(self) -> dict[str, Any]:
        """PostgreSQL's plan and its estimate of the rows; nothing is read."""
        with self.limited():
            found = self.session.execute(Explained(self.select(Pair.position)))
        [plan] = found.scalar_one()
        return {"rows": int(plan["Plan"]["Plan Rows"]), "plan": plan["Plan"]}


class Explained(Executable, ClauseElement):
    """EXPLAIN of a statement, with its values bound as the statement's would be."""

    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(Explained)
def explained(element: Explained, compiler: SQLCompiler, **options: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(element.statement, **options)}"


def catalogue(session: Session, dataset_id: Any) -> Catalogue:
    return Catalogue(snapshot_of(session, dataset_id).scores)


def tree_of(where: Where) -> Node | None:
    if where is None or (isinstance(where, str) and not where.strip()):
        return None
    if isinstance(where, str):
        return parse(where)
    return from_json(where) if isinstance(where, dict) else where


def uses(node: Node | None, *operators: str) -> bool:
    """Whether one of these is somewhere in the tree."""
    if not isinstance(node, Call):
        return False
    return node.operator in operators or any(uses(each, *operators) for each in node.arguments)


@contextmanager
def limited(session: Session, seconds: float = settings.query_seconds, advice: str = "") -> Any:
    """Inside: a query that takes too long is ended and said so, with the advice."""
    milliseconds = int(seconds * 1000)
    session.execute(text(f"SET LOCAL statement_timeout = {milliseconds:d}"))
    try:
        yield
    except OperationalError as error:
        if isinstance(error.orig, psycopg.errors.QueryCanceled):
            raise BadFilter(
                f"the query takes longer than {seconds:g} s{advice}", code="query_timeout"
            ) from None
        raise
    except DataError as error:
        if isinstance(error.orig, psycopg.errors.InvalidEscapeSequence):
            raise BadFilter("a pattern of LIKE ends with a single backslash") from None
        raise BadFilter("a number of the filter gets too large", code="out_of_range") from None
    session.execute(text("SET LOCAL statement_timeout = DEFAULT"))
