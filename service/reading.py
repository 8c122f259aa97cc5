"""Bytes of an upload -> rows, in constant memory: JSONL or Parquet, plain, gzip or zstd."""

import base64
import gzip
import json
import zlib
from collections.abc import Iterator
from typing import IO, Any, NamedTuple, TypeAlias

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from service.errors import Invalid, TooLarge, UnsupportedFile
from service.formats.record import RowError

BLOCK = 1 << 20
FREE_EXPANSION = 64 << 20  # bytes that any file may expand to
MAX_EXPANSION = 100  # beyond that: times its stored size
PARQUET_ROWS = 128  # a batch: wide rows must not add up
MAX_DEPTH = 250  # of nested JSON: what is stored must be written again, and orjson stops at 254
UNREAD = (
    b"PK\x03\x04",
    b"\x80\x02",
    b"\x80\x03",
    b"\x80\x04",
    b"\x80\x05",
    b"\x93NUM",
    b"ARRO",
    b"BZh",
    b"\xfd7zX",
    b"SQLi",
    b"\x89HDF",
)  # archives, pickles, arrays: by their first bytes

RawRow: TypeAlias = "dict[str, Any] | RowError"


class Row(NamedTuple):
    """`line` counts physical lines (or data rows of a table) from 1; `raw` is what was read."""

    line: int
    value: RawRow
    raw: bytes


def read_rows(file: IO[bytes], size: int, max_line: int, on_nul: str = "reject") -> Iterator[Row]:
    """The rows of a file by its first bytes. Blank lines are no rows.

    Raises Invalid, TooLarge or UnsupportedFile where the file as a whole can't be read.
    """
    head = file.read(4)
    file.seek(0)
    if head == b"PAR1":
        yield from parquet_rows(file, size, on_nul)
        return
    if head[:2] == b"\x1f\x8b":
        file = Limited(gzip.GzipFile(fileobj=file), size)  # pyright: ignore[reportAssignmentType]
    elif head == b"\x28\xb5\x2f\xfd":
        stream = pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd")  # tells a cut file
        file = Limited(stream, size)  # pyright: ignore[reportAssignmentType]
    elif head.startswith(UNREAD):
        raise UnsupportedFile("this file type is not read: give JSONL or Parquet")
    for line, raw in lines(file, max_line):
        if raw is None:
            detail = f"the line is longer than {max_line} bytes"
            yield Row(line, RowError("line_too_long", detail), b"")
        elif raw.strip():
            yield Row(line, parse(raw, on_nul), raw)


class Limited:
    """A decompressing stream that stops when it expands too much."""

    def __init__(self, stream: Any, size: int) -> None:
        self.stream, self.left = stream, max(FREE_EXPANSION, MAX_EXPANSION * size)

    def read(self, n: int) -> bytes:
        try:
            block = self.stream.read(n)
        except (OSError, EOFError, zlib.error) as error:
            raise Invalid(
                f"the compressed file is damaged: {error}", code="unreadable_file"
            ) from None
        self.left -= len(block)
        if self.left < 0:
            raise TooLarge(
                f"the file expands to more than {MAX_EXPANSION} times its size",
                code="decompressed_too_large",
            )
        return block


def lines(file: Any, max_line: int) -> Iterator[tuple[int, bytes | None]]:
    """(number, bytes) of each line, split at \\n only; None for a line that is too long."""
    number, rest, skipping = 0, b"", False
    while block := file.read(BLOCK):
        parts = (rest + block).split(b"\n")
        rest = parts.pop()
        for part in parts:
            number += 1
            yield number, None if skipping or len(part) > max_line else first_line(number, part)
            skipping = False
        if len(rest) > max_line:
            rest, skipping = b"", True
    if rest or skipping:
        number += 1
        yield number, None if skipping else first_line(number, rest)


def first_line(number: int, raw: bytes) -> bytes:
    return raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw


def parse(raw: bytes, on_nul: str) -> RawRow:
    """The JSON object of one line, or what is wrong with it."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return json_error(error, raw)
    if not isinstance(value, dict):
        return RowError("not_an_object", f"the line is a {type(value).__name__}, not an object")
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and too_deep(value):
        return TOO_DEEP
    if b"\\u0000" in raw or b"\x00" in raw:
        if on_nul == "replace":
            value = replaced(value)
        elif field := nul_field(value):
            return RowError("nul_character", f"{field} contains a NUL character", field)
    if may_repeat_a_key(value, raw) and (key := repeated_key(raw)):
        return RowError("duplicate_key", f"the key {key!r} stands twice", key)
    return value


TOO_DEEP = RowError("json_too_deep", f"the JSON is nested more than {MAX_DEPTH} deep")


def too_deep(value: Any) -> bool:
    """A loop, not recursion: the depth is the sender's choice."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in children_of(parent)]
        if not level:
            return False
    return True


def children_of(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def json_error(error: orjson.JSONDecodeError, raw: bytes) -> RowError:
    detail = str(error)
    low = detail.lower()
    if "depth" in low or "recursion" in low:
        return TOO_DEEP
    try:
        raw.decode()
    except UnicodeDecodeError as found:
        if raw[found.start : found.start + 1] == b"\xed":
            return RowError("lone_surrogate", f"half of a surrogate pair at byte {found.start}")
        return RowError("not_utf8", f"not UTF-8 at byte {found.start}")
    if "surrogate" in low:
        return RowError("lone_surrogate", f"half of a surrogate pair: {detail}")
    if "infinity" in low or "number out of range" in low:
        return RowError("not_finite", f"a number does not fit a double: {detail}")
    around = raw[max(error.pos - 12, 0) : error.pos + 12]
    if b"NaN" in around or b"Infinity" in around:
        return RowError("not_finite", f"NaN and Infinity are not numbers in JSON: {detail}")
    return RowError("not_json", detail)


def may_repeat_a_key(value: dict[str, Any], raw: bytes) -> bool:
    """Cheap: a repeated key of the object stands in the text more often than once."""
    return any(raw.count(b'"%b":' % key.encode()) + raw.count(b'"%b" :' % key.encode()) > 1
               for key in value)  # fmt: skip


def repeated_key(raw: bytes) -> str | None:
    """The first key that stands twice in one object, at any depth."""
    repeated: list[str] = []

    def check(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            repeated.append(next(name for name in names if names.count(name) > 1))
        return found

    try:
        json.loads(raw, object_pairs_hook=check)
    except RecursionError:  # deeper than the standard library goes, but orjson took it
        return None
    return repeated[0] if repeated else None


def nul_field(value: Any, path: str = "") -> str | None:
    """The path of the first string or key with a NUL."""
    if isinstance(value, str):
        return path if "\x00" in value else None
    children: Iterator[tuple[str, Any]] = iter(())
    if isinstance(value, dict):
        if any("\x00" in key for key in value):
            return path or "(a key)"
        children = ((f"{path}.{key}" if path else key, child) for key, child in value.items())
    elif isinstance(value, list):
        children = ((f"{path}[{index}]", child) for index, child in enumerate(value))
    return next((found for at, child in children if (found := nul_field(child, at))), None)


def replaced(value: Any) -> Any:
    """The same with U+FFFD for each NUL."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, dict):
        return {replaced(key): replaced(child) for key, child in value.items()}
    if isinstance(value, list):
        return [replaced(child) for child in value]
    return value


def parquet_rows(file: IO[bytes], size: int, on_nul: str) -> Iterator[Row]:
    """The rows of a Parquet file, a small batch at a time; decoded bytes are limited."""
    left = max(FREE_EXPANSION, MAX_EXPANSION * size)
    line = 0
    try:
        # The buffer: a column chunk of a large row group is read in steps, not at once.
        table = pq.ParquetFile(file, buffer_size=BLOCK, pre_buffer=False)
        for batch in table.iter_batches(batch_size=PARQUET_ROWS):
            left -= decoded_bytes(batch)
            if left < 0:
                raise TooLarge(
                    "the file decodes to far more than its size", code="decoded_too_large"
                )
            for value in batch.to_pylist():
                line += 1
                yield Row(line, *checked(value, on_nul))
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        detail = f"the Parquet file can't be read: {str(error)[:300]}"
        raise Invalid(detail, code="unreadable_file", line=line + 1) from None


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
