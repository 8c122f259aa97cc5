"""Frames between two of our processes: a JSON header, then bytes."""

import os
import select
from collections.abc import Sequence
from struct import Struct
from typing import IO, Any, NamedTuple

import orjson

LENGTH = Struct("!I")


class Frame(NamedTuple):
    header: dict[str, Any]
    blobs: list[bytes]


def write_frame(out: IO[bytes], header: dict[str, Any], blobs: Sequence[bytes] = ()) -> None:
    head = orjson.dumps({**header, "blobs": [len(blob) for blob in blobs]})
    out.write(LENGTH.pack(len(head)) + head)
    for blob in blobs:  # not joined: they are large
        out.write(blob)
    out.flush()


class Silence(Exception):
    """The other side sent nothing for too long."""


class FrameReader:
    """Reads frames from a pipe, and waits no longer than `patience` seconds for more of one."""

    def __init__(self, pipe: int, patience: float) -> None:
        self.pipe, self.patience = pipe, patience

    def read(self) -> Frame | None:
        """The next frame; None where the pipe ends, also in the middle of one. Raises Silence."""
        length = self.exactly(LENGTH.size)
        head = length and self.exactly(LENGTH.unpack(length)[0])
        if not head:
            return None
        header = orjson.loads(head)
        blobs = [self.exactly(size) for size in header.pop("blobs")]
        return None if None in blobs else Frame(header, [blob for blob in blobs if blob])

    def exactly(self, size: int) -> bytes | None:
        parts: list[bytes] = []
        while size:
            if not select.select([self.pipe], [], [], self.patience)[0]:
                raise Silence
            part = os.read(self.pipe, size)
            if not part:
                return None
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
