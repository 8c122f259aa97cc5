"""Parquet -> the rows that JSON would give, with a limit to what they decode to."""

import base64
from collections.abc import Iterator
from typing import IO, Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from service.errors import Invalid, TooLarge
from service.formats.record import RowError
from service.reading.json_lines import MAX_FIELDS, RawRow, Row, nul_field, replaced

BLOCK = 1 << 20
PARQUET_ROWS = 128  # a batch: wide rows must not add up
MAX_ROW_GROUPS = 100_000


def parquet_rows(file: IO[bytes], limit: int, on_nul: str) -> Iterator[Row]:
    """The rows of a Parquet file, a small batch at a time; decoded bytes are limited."""
    left, line = limit, 0
    try:
        # The buffer: a column chunk of a large row group is read in steps, not at once.
        table = pq.ParquetFile(file, buffer_size=1 << 16, pre_buffer=False)
        refuse_repeated(table.schema_arrow)
        check_counts(table.metadata)
        for batch in table.iter_batches(PARQUET_ROWS, use_threads=False):
            left -= decoded_bytes(batch)
            if left < 0:
                raise TooLarge(
                    "the file decodes to far more than its size", code="decoded_too_large"
                )
            for value in batch.to_pylist():
                line += 1
                yield Row(line, *checked(value, on_nul))
        if line != table.metadata.num_rows:
            raise ValueError(f"{line} rows instead of {table.metadata.num_rows}")
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        detail = f"the Parquet file can't be read: {str(error)[:300]}"
        raise Invalid(detail, code="unreadable_file", line=line + 1) from None


def check_counts(footer: Any) -> None:
    """Raises ValueError where the footer's counts of rows differ: Arrow reads as many as it likes.

    Never ask a damaged footer for its column chunks: that ends the process.
    """
    if footer.num_row_groups > MAX_ROW_GROUPS:
        raise ValueError(f"more than {MAX_ROW_GROUPS} row groups")
    total = sum(footer.row_group(number).num_rows for number in range(footer.num_row_groups))
    if total != footer.num_rows:
        raise ValueError(f"the row groups have {total} rows, the file {footer.num_rows}")


def refuse_repeated(schema: Any) -> None:
    """Of two columns with one name, a row could hold only the last."""
    names = schema.names
    if len(names) > MAX_FIELDS:
        raise Invalid(f"more than {MAX_FIELDS} columns", code="too_many_fields")
    if len(set(names)) < len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        raise Invalid(f"the column {repeated!r} stands twice", code="duplicate_key", field=repeated)


def decoded_bytes(batch: Any) -> int:
    """Bytes of the batch once dictionaries are spelt out: the footer does not tell them."""
    total = batch.nbytes
    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            total += column.cast(column.type.value_type).nbytes
    return total


def checked(value: dict[str, Any], on_nul: str) -> tuple[RawRow, bytes]:
    """A table's row as JSON would give it: what JSON can't say is an error of that row."""
    value = {name: child for name, child in value.items() if child is not None}
    try:
        raw = orjson.dumps(value, default=json_form)
    except (orjson.JSONEncodeError, TypeError) as error:
        shown = repr(value).encode(errors="replace")[:BLOCK]
        return RowError("not_json", f"the row has no JSON form: {error}"), shown
    if field := not_finite_field(value):
        return RowError("not_finite", f"{field} is not a finite number", field), raw
    value = orjson.loads(raw)
    if b"\\u0000" in raw:
        if on_nul == "replace":
            return replaced(value), raw
        if field := nul_field(value):
            return RowError("nul_character", f"{field} contains a NUL character", field), raw
    return value, raw


def json_form(value: Any) -> str:
    """Bytes as base64, anything else that JSON lacks (decimals, durations) as its text."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def not_finite_field(value: Any, path: str = "") -> str | None:
    if isinstance(value, float):
        return path if value - value != 0 else None
    children: Iterator[tuple[str, Any]] = iter(())
    if isinstance(value, dict):
        children = ((f"{path}.{key}" if path else key, child) for key, child in value.items())
    elif isinstance(value, list):
        children = ((f"{path}[{index}]", child) for index, child in enumerate(value))
    return next((found for at, child in children if (found := not_finite_field(child, at))), None)
