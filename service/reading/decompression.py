"""Bytes of an upload -> the bytes that they stand for, with a limit to how far they expand."""

import gzip
import tempfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO, Any, cast

from service.errors import Invalid, TooLarge

BLOCK = 1 << 20
FREE_EXPANSION = 64 << 20  # bytes that any file may expand to
MAX_EXPANSION = 100  # beyond that: times its stored size
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


def expansion(size: int) -> int:
    """Bytes that a file of this stored size may expand to."""
    return max(FREE_EXPANSION, MAX_EXPANSION * size)


def decompressed(file: IO[bytes], size: int) -> "IO[bytes] | Limited":
    """The file itself, or what a gzip or zstd file holds."""
    head = file.read(4)
    file.seek(0)
    if head[:2] == GZIP:
        return Limited(gzip.GzipFile(fileobj=file), size)
    if head == ZSTD:
        import pyarrow as pa  # as it tells a cut file; see `read_rows`

        return Limited(pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd"), size)
    return file


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


class Ahead:
    """A stream whose first bytes can be looked at before they are read."""

    closed = False  # pyarrow asks

    def __init__(self, stream: "IO[bytes] | Limited") -> None:
        self.stream, self.head = stream, b""

    def first_line(self, max_line: int) -> tuple[bytes, bool]:
        """A block at least, and on to the first line feed; and whether that is the whole file."""
        whole = False
        while not whole and (len(self.head) < BLOCK or b"\n" not in self.head[-BLOCK:]):
            block = self.stream.read(BLOCK)
            self.head += block
            whole = not block
            if len(self.head) > max_line + BLOCK:
                break
        return self.head, whole

    def read(self, n: int) -> bytes:
        if not self.head:
            return self.stream.read(n)
        block, self.head = self.head[:n], self.head[n:]
        return block


@contextmanager
def seekable(file: IO[bytes], stream: Ahead) -> Generator[IO[bytes]]:
    """The stream as a file that can be read in any order: on disk, where it is decompressed."""
    if stream.stream is file:
        file.seek(0)
        yield file
        return
    with tempfile.TemporaryFile() as spool:
        while block := stream.read(BLOCK):
            spool.write(block)
        spool.seek(0)
        yield cast(IO[bytes], spool)
