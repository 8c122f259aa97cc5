"""A folder of stored files as one tar stream, with the same bytes each time."""

import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import IO, Any

CHUNK = 1 << 16
NOTHING = b"\0"


def stream(
    files: Mapping[str, Any], open_file: Callable[[str], AbstractContextManager[IO[bytes]]]
) -> Iterator[bytes]:
    """POSIX tar of `{path: {"key", "bytes", …}}`, by path; no owner and no time in it."""
    for path in sorted(files):
        yield header(path, files[path]["bytes"])
        with open_file(files[path]["key"]) as file:
            while chunk := file.read(CHUNK):
                yield chunk
        yield NOTHING * padding(files[path]["bytes"])
    yield NOTHING * (2 * tarfile.BLOCKSIZE)


def size(files: Mapping[str, Any]) -> int:
    """Bytes that `stream` gives."""
    bodies = sum(
        len(header(path, found["bytes"])) + found["bytes"] + padding(found["bytes"])
        for path, found in files.items()
    )
    return bodies + 2 * tarfile.BLOCKSIZE


def header(path: str, length: int) -> bytes:
    entry = tarfile.TarInfo(path)
    entry.size = length
    return entry.tobuf(tarfile.PAX_FORMAT)


def padding(length: int) -> int:
    return -length % tarfile.BLOCKSIZE
