"""Pairs that a filter keeps, in any order, a page at a time."""

import hashlib
import re
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

import psycopg
from sqlalchemy import ColumnElement, Select, and_, literal, or_, select, text
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.orm import Session

from service.config import settings
from service.errors import BadRequest
from service.filters.compile import Compiler
from service.filters.fields import Catalogue, Kind, Tables
from service.filters.forms import from_json, to_text
from service.filters.parse import parse
from service.filters.tree import BadFilter, Field, Node
from service.paging import decode_cursor, encode_cursor
from service.tables.pairs import Pair
from service.tables.viewer import Snapshot
from service.viewer.snapshots import snapshot_of, with_scores

MAX_KEYS = 4  # of an order
KEY = re.compile(r'\s*("?)([\w.-]+)\1(?:\s+(asc|desc))?\s*\Z', re.IGNORECASE)

Where: TypeAlias = "str | dict[str, Any] | Node | None"


class Key(NamedTuple):
    """A field that pairs are ordered by; missing values come last."""

    path: str
    kind: Kind | None
    value: ColumnElement[Any]
    descending: bool

    def holds(self, value: Any) -> bool:
        """Whether a cursor's value is one that the field can have."""
        if self.kind == "text":
            return isinstance(value, str) and "\x00" not in value
        return isinstance(value, int | float) and not isinstance(value, bool)


class Query:
    """A filter and an order over a dataset. Raises BadFilter where they are wrong."""

    def __init__(
        self, session: Session, dataset_id: Any, where: Where = None, orderby: str | None = None
    ) -> None:
        self.session, self.dataset_id = session, dataset_id
        self.tree = tree_of(where)
        self.tables = Tables()
        self.snapshot: Snapshot = snapshot_of(session, dataset_id)
        compiler = Compiler(Catalogue(self.snapshot.scores), self.tables)
        self.condition = None if self.tree is None else compiler.condition(self.tree)
        self.keys = [key(compiler, each) for each in split_keys(orderby)]
        if "scored" in self.tables.used:
            self.snapshot = with_scores(session, self.snapshot)

    @property
    def scope(self) -> str:
        """What a cursor belongs to: this dataset, filter and order."""
        said = [to_text(self.tree) if self.tree else ""]
        said += [f"{each.path} {each.descending}" for each in self.keys]
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
        table = getattr(self.tables, name)
        if name == "upload":
            return query.join(table, table.id == Pair.upload_id)
        if name == "scored":
            on = and_(table.snapshot_id == self.snapshot.id, table.position == Pair.position)
            return query.outerjoin(table, on)
        id = {"prompt": Pair.prompt_id, "chosen": Pair.chosen_id, "rejected": Pair.rejected_id}
        on = and_(table.dataset_id == Pair.dataset_id, table.id == id[name])
        return query.join(table, on)

    def page(self, limit: int, cursor: str | None = None) -> tuple[list[int], str | None]:
        """Positions of up to `limit` pairs, and the cursor of the next page."""
        query = self.select(Pair.position, *[each.value for each in self.keys])
        query = self.ordered(query).limit(limit + 1)
        if (after := decode_cursor(self.scope, cursor)) is not None:
            query = query.where(self.after(after))
        with limited(self.session):
            rows = self.session.execute(query).all()
        kept = rows[:limit]
        following = None
        if len(rows) > limit:
            following = encode_cursor(self.scope, [*kept[-1][1:], kept[-1][0]])
        return [row[0] for row in kept], following

    def rows(self, offset: int, length: int) -> list[int]:
        """Positions by number; what lies deep is better read by cursor."""
        query = self.ordered(self.select(Pair.position)).offset(offset).limit(length)
        with limited(self.session):
            return list(self.session.scalars(query))

    def ordered(self, query: Select[Any]) -> Select[Any]:
        for each in self.keys:
            query = query.order_by(
                (each.value.desc() if each.descending else each.value.asc()).nulls_last()
            )
        return query.order_by(Pair.position)

    def after(self, found: Any) -> ColumnElement[bool]:
        """Whether a pair comes after the place that a cursor names."""
        if not isinstance(found, list) or len(found) != len(self.keys) + 1:
            raise BadRequest("the cursor is damaged", code="bad_cursor")
        *values, position = found
        if not isinstance(position, int) or isinstance(position, bool) or abs(position) >= 2**63:
            raise BadRequest("the cursor is damaged", code="bad_cursor")
        same: list[ColumnElement[bool]] = []
        ways: list[ColumnElement[bool]] = []
        for each, value in zip(self.keys, values, strict=True):
            if value is None:
                same.append(each.value.is_(None))
                continue
            if not each.holds(value):
                raise BadRequest("the cursor is damaged", code="bad_cursor")
            beyond = each.value < value if each.descending else each.value > value
            ways.append(and_(*same, or_(beyond, each.value.is_(None))))
            same.append(each.value == value)
        ways.append(and_(*same, Pair.position > position))
        return or_(*ways)

    def count(self) -> int:
        """How many pairs are kept, exactly."""
        kept = self.select(literal(1)).subquery()
        with limited(self.session):
            counted = self.session.execute(select(text("count(*)")).select_from(kept))
            return counted.scalar_one()

    def explain(self) -> dict[str, Any]:
        """PostgreSQL's plan and its estimate of the rows; nothing is read."""
        kept = self.select(Pair.position)
        compiled = kept.compile(self.session.get_bind(), compile_kwargs={})
        with limited(self.session):
            found = self.session.connection().exec_driver_sql(
                f"EXPLAIN (FORMAT JSON) {compiled}", compiled.params
            )
        [plan] = found.scalar_one()
        return {"rows": int(plan["Plan"]["Plan Rows"]), "plan": plan["Plan"]}


def catalogue(session: Session, dataset_id: Any) -> Catalogue:
    return Catalogue(snapshot_of(session, dataset_id).scores)


def tree_of(where: Where) -> Node | None:
    if where is None or (isinstance(where, str) and not where.strip()):
        return None
    if isinstance(where, str):
        return parse(where)
    return from_json(where) if isinstance(where, dict) else where


def split_keys(orderby: str | None) -> Sequence[tuple[str, bool]]:
    """(path, descending) of "margin DESC, chosen.length"."""
    if orderby is None or not orderby.strip():
        return ()
    found: list[tuple[str, bool]] = []
    for part in orderby.split(","):
        key = KEY.match(part.replace('"."', "."))
        if key is None or len(found) == MAX_KEYS:
            raise BadFilter(f"an order is up to {MAX_KEYS} fields, each with ASC or DESC")
        found.append((key[2], (key[3] or "").lower() == "desc"))
    return found


def key(compiler: Compiler, wanted: tuple[str, bool]) -> Key:
    path, descending = wanted
    typed = compiler.typed(Field(path))
    if typed.kind == "json":
        raise BadFilter("metadata has no order: compare it instead", code="type_error", field=path)
    return Key(path, typed.kind, typed.value, descending)


@contextmanager
def limited(session: Session) -> Any:
    """Inside: a query that takes too long is ended and said so."""
    milliseconds = int(settings.query_seconds * 1000)
    session.execute(text(f"SET LOCAL statement_timeout = {milliseconds:d}"))
    try:
        yield
    except OperationalError as error:
        if isinstance(error.orig, psycopg.errors.QueryCanceled):
            raise BadFilter(
                f"the query takes longer than {settings.query_seconds:g} s", code="query_timeout"
            ) from None
        raise
    except DataError as error:
        if isinstance(error.orig, psycopg.errors.InvalidEscapeSequence):
            raise BadFilter("a pattern of LIKE ends with a single backslash") from None
        raise BadFilter("a number of the filter gets too large", code="out_of_range") from None
    session.execute(text("SET LOCAL statement_timeout = DEFAULT"))
