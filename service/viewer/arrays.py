"""Pairs as Arrow: each column comes as one text and its lengths, and is taken as it is."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray
from psycopg.sql import SQL, Composable, Identifier
from sqlalchemy.orm import Session

from curation.text import content_text
from service.export.shards import MESSAGES
from service.viewer.blocks import Block, Page, Source, collect, written
from service.viewer.fields import Field, schema

# PostgreSQL's binary array: 20 bytes of head, then each element after its size.
HEAD = 20
LENGTHS = np.dtype([("size", ">i4"), ("value", ">i4")])
NUMBERS = {
    "int64": np.dtype([("size", ">i4"), ("value", ">i8")]),
    "float64": np.dtype([("size", ">i4"), ("value", ">f8")]),
}
OTHER = -1  # length of what is missing, or of messages that are not of the simple form
TAKEN = "ORDER BY place) FILTER (WHERE taken)"
GATHER = {
    "number": (f"array_agg({{0}} {TAKEN}",),
    "text": (
        f"string_agg({{0}}, '' {TAKEN}",
        f"array_agg(coalesce(octet_length({{0}}), {OTHER}) {TAKEN}",
    ),
    "json": (f"'[' || string_agg({{0}}, ',' {TAKEN} || ']'",),
}


def batch(session: Session, source: Source, page: Page) -> Block:
    """`data`: a RecordBatch of `fields.schema`. Messages have their role and text only."""
    values: list[Composable] = []
    sizes: list[Composable] = [SQL("0")]
    collected: list[Composable] = []
    for ordinal, field in enumerate(source.fields):
        for name, value, kind in parts(field, f"c{ordinal}"):
            column = Identifier(name)
            values.append(SQL("{} AS {}").format(written(value), column))
            collected += [written(found).format(column) for found in GATHER[kind]]
            if kind != "number":
                sizes.append(SQL("coalesce(octet_length({}), 0)").format(column))
    block = collect(session, source, page, values, SQL(" + ").join(sizes), collected)
    wanted = schema(source.fields)
    if not block.rows:
        return block._replace(data=pa.RecordBatch.from_pylist([], schema=wanted))
    data = iter(block.data)
    arrays = [read_column(field, data) for field in source.fields]
    return block._replace(data=pa.RecordBatch.from_arrays(arrays, schema=wanted))


def parts(field: Field, name: str) -> Iterator[tuple[str, str, str]]:
    """The values that a column is put together from: alias, SQL, how they are gathered."""
    if field.kind == "messages":
        yield name, f"CASE WHEN {field.simple} THEN {field.sql} END", "text"
        yield f"{name}_other", f"CASE WHEN NOT {field.simple} THEN {field.other}::text END", "json"
    elif field.kind == "string":
        yield name, field.sql, "text"
    elif field.kind == "json":
        yield name, f"({field.sql}) #>> '{{}}'", "text"
    elif field.kind == "int64":
        yield name, f"({field.sql})::bigint", "number"
    else:  # a score is finite, so NaN can stand for a missing one
        yield name, f"coalesce(({field.sql})::float8, 'NaN')", "number"


def read_column(field: Field, data: Iterator[Any]) -> Any:
    if field.kind in NUMBERS:
        values = np.frombuffer(next(data), NUMBERS[field.kind], offset=HEAD)["value"]
        missing = np.isnan(values) if field.kind == "float64" else None
        return pa.array(values.astype(values.dtype.newbyteorder("=")), mask=missing)
    joined = next(data) or b""
    lengths = np.frombuffer(next(data), LENGTHS, offset=HEAD)["value"].astype(np.int64)
    if field.kind in ("string", "json"):
        return strings(joined, lengths)
    return messages(field.role, joined, lengths, next(data))


def strings(joined: bytes, lengths: NDArray[np.int64]) -> Any:
    """A length below 0 is a missing string."""
    there = lengths >= 0
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(np.where(there, lengths, 0), out=offsets[1:])
    bitmap = None if there.all() else pa.py_buffer(np.packbits(there, bitorder="little").tobytes())
    return pa.StringArray.from_buffers(
        len(lengths), pa.py_buffer(offsets), pa.py_buffer(joined), bitmap
    )


def messages(role: str, joined: bytes, lengths: NDArray[np.int64], rest: bytes | None) -> Any:
    """Lists of one message each where there is a length, and the lists of `rest` in between."""
    other = lengths < 0
    simple = one_each(role, strings(joined, lengths[~other]))
    if rest is None:
        return simple
    found = [[plain(message) for message in each] for each in orjson.loads(rest)]
    both = pa.concat_arrays([simple, pa.array(found, MESSAGES)])
    order = np.empty(len(lengths), np.int64)
    order[~other] = np.arange(len(simple))
    order[other] = len(simple) + np.arange(len(found))
    return both.take(pa.array(order))


def one_each(role: str, contents: Any) -> Any:
    offsets = pa.array(np.arange(len(contents) + 1, dtype=np.int32))
    roles = pa.DictionaryArray.from_arrays(np.zeros(len(contents), np.int32), [role])
    said = pa.StructArray.from_arrays(
        [roles.cast(pa.string()), contents], fields=list(MESSAGES.value_type)
    )
    return pa.ListArray.from_arrays(offsets, said, type=MESSAGES)


def plain(message: dict[str, Any]) -> dict[str, str]:
    return {"role": message["role"], "content": content_text(message.get("content"))}
