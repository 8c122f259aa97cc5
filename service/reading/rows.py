"""Bytes of an upload -> rows, in constant memory: the kind of file is told by its content."""

from collections.abc import Iterator
from typing import IO

from service.reading.csv_files import csv_rows, delimiter_of
from service.reading.decompression import ZSTD, Ahead, decompressed, expansion, seekable
from service.reading.file_types import BOM, refuse_unread, starts_json
from service.reading.json_files import json_rows, shape_of
from service.reading.json_lines import Row, json_line_rows

COLUMNAR = (b"PAR1", b"ARROW1", b"\xff\xff\xff\xff")
READ_BY_PYARROW = (*COLUMNAR, ZSTD)


def read_rows(file: IO[bytes], size: int, max_line: int, on_nul: str = "reject") -> Iterator[Row]:
    """The rows of a file by its first bytes; `size` is that of the file as it is stored.

    Raises Invalid, TooLarge or UnsupportedFile where the file as a whole can't be read.
    """
    stream = Ahead(decompressed(file, size))
    head, whole = stream.first_line(max_line)
    refuse_unread(head)
    if head.startswith(COLUMNAR):
        yield from columnar_rows(file, stream, head, expansion(size), on_nul)
    else:
        yield from text_rows(stream, head, max_line, on_nul, whole=whole)


def columnar_rows(
    file: IO[bytes], stream: Ahead, head: bytes, limit: int, on_nul: str
) -> Iterator[Row]:
    """pyarrow is 40 MB: a process that reads no such file does without."""
    from service.reading.arrow_files import arrow_rows
    from service.reading.parquet import parquet_rows

    if head.startswith(b"PAR1"):
        with seekable(file, stream) as found:
            yield from parquet_rows(found, limit, on_nul)
    elif head.startswith(b"ARROW1"):
        with seekable(file, stream) as found:
            yield from arrow_rows(found, limit, on_nul, stream=False)
    else:
        yield from arrow_rows(stream, limit, on_nul, stream=True)


def text_rows(
    stream: Ahead, head: bytes, max_line: int, on_nul: str, *, whole: bool
) -> Iterator[Row]:
    """JSONL is what is left where this is neither a JSON file nor a table."""
    stream.head = head = head.removeprefix(BOM)
    delimiter = shape = None
    if starts_json(head):
        shape = shape_of(head, whole=whole)
    else:
        delimiter = delimiter_of(head, whole=whole)
    if shape:
        return json_rows(stream.read, shape, max_line, on_nul)
    if delimiter:
        return csv_rows(stream, delimiter, max_line, on_nul)
    return json_line_rows(stream, max_line, on_nul)
