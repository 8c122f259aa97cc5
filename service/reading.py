"""Bytes of an upload -> rows, in constant memory: JSONL or Parquet, plain, gzip or zstd."""

import gzip
import zlib
from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa

from service.errors import Invalid, TooLarge, UnsupportedFile
from service.formats.record import RowError
from service.json_lines import Row, parse
from service.parquet import parquet_rows

BLOCK = 1 << 20
FREE_EXPANSION = 64 << 20  # bytes that any file may expand to
MAX_EXPANSION = 100  # beyond that: times its stored size
# Archives, pickles and arrays, by their first bytes.
UNREAD = (
    b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"\x93NUM", b"ARRO", b"BZh",
    b"\xfd7zX", b"SQLi", b"\x89HDF",
)  # fmt: skip


def read_rows(file: IO[bytes], size: int, max_line: int, on_nul: str = "reject") -> Iterator[Row]:
    """The rows of a file by its first bytes. Blank lines are no rows.

    Raises Invalid, TooLarge or UnsupportedFile where the file as a whole can't be read.
    """
    head = file.read(4)
    file.seek(0)
    if head == b"PAR1":
        yield from parquet_rows(file, expansion(size), on_nul)
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


def expansion(size: int) -> int:
    """Bytes that a file of this stored size may expand to."""
    return max(FREE_EXPANSION, MAX_EXPANSION * size)


class Limited:
    """A decompressing stream that stops when it expands too much."""

    def __init__(self, stream: Any, size: int) -> None:
        self.stream, self.left = stream, expansion(size)

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
