"""The columns that sketches are made of, read from the database in blocks of numbers."""

import uuid
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ARRAY, Double, Select, Text, and_, case, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.orm import Session

from curation.text import ROLE_NAMES
from curation.thresholds.quantities import PairColumns
from service.columns import raw
from service.composing.costs import BYTES_A_TOKEN
from service.composing.fields import FIELDS as CLASSES
from service.filters.fields import Catalogue, answer_text
from service.filters.query import Query
from service.tables.datasets import Upload
from service.tables.pairs import Pair
from service.tables.viewer import Snapshot

BLOCK = 1 << 16  # rows
MISSING = cast(literal("NaN"), Double)
TEXTS = {"prompt", "chosen", "rejected"}
SIGNATURE, TRAILER = 19, 2  # bytes of PostgreSQL's binary COPY around the rows


class Wanted(NamedTuple):
    """Names of the catalogue: `fields` to cut by, `values` whose means are asked for, `chances`
    that a label agrees."""

    fields: Sequence[str]
    values: Sequence[str]
    chances: Sequence[str]
    sources: Sequence[str]


class Reading:
    """All pairs of a snapshot, with the tables that the numbers asked for lie in."""

    def __init__(self, session: Session, snapshot: Snapshot) -> None:
        self.query = Query(session, snapshot.dataset_id)
        self.query.read_at(snapshot)
        self.found = Catalogue(snapshot.scores).listed()

    def number(self, name: str) -> Any:
        self.query.tables.used |= {*self.found[name].joins}
        return number(self.found[name].value(self.query.tables))


def sample(session: Session, snapshot: Snapshot, fields: Sequence[str], one_in: int) -> Any:
    """(n, fields) of one pair in so many, always the same ones; NaN where missing."""
    reading = Reading(session, snapshot)
    columns = [reading.number(name) for name in fields]
    query = reading.query.select(*columns).where(chance(one_in))
    return np.concatenate([np.zeros((0, len(fields))), *blocks(session, query, len(fields))])


def sources(session: Session, dataset_id: uuid.UUID, one_in: int, most: int) -> list[str]:
    """The most frequent sources of one pair in so many, by name where they are equal."""
    name = CLASSES["source"].value()
    query: Any = select(name).select_from(Pair).join(Upload, Upload.id == Pair.upload_id)
    query = query.where(Pair.dataset_id == dataset_id, chance(one_in)).group_by(name)
    return list(session.scalars(query.order_by(func.count().desc(), name).limit(most)))


def stream(
    session: Session, snapshot: Snapshot, wanted: Wanted
) -> Generator[tuple[NDArray[np.float64], PairColumns]]:
    """Blocks of all pairs: (n, fields), and what is summed."""
    reading = Reading(session, snapshot)
    tables = reading.query.tables
    names = [*wanted.fields, *wanted.values, *wanted.chances]
    chosen, rejected = tables.chosen, tables.rejected
    parts = [rendered_bytes(tables.prompt.messages), *map(answer_bytes, (chosen, rejected))]
    tokens = sum((func.ceil(part / float(BYTES_A_TOKEN)) for part in parts), literal(0.0))
    lengths = [func.length(answer_text(table)) for table in (chosen, rejected)]
    place = func.array_position(
        cast(literal(list(wanted.sources)), ARRAY(Text)), CLASSES["source"].value()
    )
    columns = [reading.number(name) for name in names]
    columns += [number(each) for each in (tokens, *lengths, place)]
    tables.used |= TEXTS
    query = reading.query.select(*columns).join(Upload, Upload.id == Pair.upload_id)
    with closing(blocks(session, query, len(columns))) as found:
        for block in found:
            yield block[:, : len(wanted.fields)], pair_columns(wanted, block)


def pair_columns(wanted: Wanted, block: NDArray[np.float64]) -> PairColumns:
    """What is summed, of the columns after the fields."""
    *values, total, one, other, source = block[:, len(wanted.fields) :].T
    return PairColumns(
        total, np.nan_to_num(one), np.nan_to_num(other),
        (np.nan_to_num(source) - 1).astype(np.int64),
        dict(zip(wanted.values, values, strict=False)),
        dict(zip(wanted.chances, values[len(wanted.values) :], strict=True)),
    )  # fmt: skip


def number(value: Any) -> Any:
    return func.coalesce(cast(value, Double), MISSING)


def chance(one_in: int) -> Any:
    """Holds for one pair in so many, by a hash of its place."""
    if one_in <= 1:
        return literal(True)
    return func.hashint8(Pair.position).op("&")((1 << 31) - 1) % one_in == 0


def answer_bytes(table: Any) -> Any:
    return func.coalesce(func.octet_length(table.text), rendered_bytes(table.messages), 0)


def rendered_bytes(messages: Any) -> Any:
    """Bytes of UTF-8 of messages as `curation.text.render` writes them."""
    each = func.jsonb_array_elements(messages).table_valued("value").alias()
    role, content = each.c.value.op("->>")("role"), each.c.value.op("->")("content")
    said = case(
        (func.jsonb_typeof(content) == "string", each.c.value.op("->>")("content")),
        (func.jsonb_typeof(content) == "array", parts_text(content)),
        else_="",
    )
    name = case(ROLE_NAMES, value=role, else_=role)
    texts = func.coalesce(func.sum(func.octet_length(func.coalesce(said, ""))), 0)
    headings = func.coalesce(func.sum(func.octet_length(name) + len(": ")), 0)
    breaks = func.greatest(func.count() - 1, 0) * len("\n\n")
    alone = and_(func.count() == 1, func.bool_and(role.in_(["user", "assistant"])))
    whole = texts + case((alone, 0), else_=headings + breaks)
    return select(whole).select_from(each).scalar_subquery()


def parts_text(content: Any) -> Any:
    """The text parts of a multimodal content, a line each."""
    path = cast(literal('$[*] ? (@.type == "text").text'), JSONPATH)
    part = func.jsonb_path_query(content, path).table_valued("value").render_derived()
    text = part.c.value.op("#>>")(cast(literal("{}"), ARRAY(Text)))
    return select(func.string_agg(text, literal("\n"))).select_from(part).scalar_subquery()


def blocks(session: Session, query: Select[Any], width: int) -> Generator[NDArray[np.float64]]:
    """The rows of a query whose columns are all numbers: (n, width) each.

    COPY's binary form: cells of one size, since none is NULL, so that numpy reads them as they lie.
    """
    row = np.dtype([("cells", ">i2"), ("cell", [("size", ">i4"), ("value", ">f8")], (width,))])
    options = {"render_postcompile": True}
    compiled = query.compile(dialect=session.get_bind().dialect, compile_kwargs=options)
    statement: Any = f"COPY ({compiled}) TO STDOUT (FORMAT binary)"
    waiting, begun = bytearray(), False
    with raw(session).cursor() as cursor, cursor.copy(statement, compiled.params) as copy:
        for chunk in copy:
            waiting += chunk
            if not begun and len(waiting) >= SIGNATURE:
                del waiting[:SIGNATURE]
                begun = True
            if len(waiting) >= BLOCK * row.itemsize:
                whole = len(waiting) // row.itemsize * row.itemsize
                yield np.frombuffer(bytes(waiting[:whole]), row)["cell"]["value"].astype(float)
                del waiting[:whole]
    rest = bytes(waiting[: len(waiting) - TRAILER])
    yield np.frombuffer(rest, row)["cell"]["value"].astype(float)
