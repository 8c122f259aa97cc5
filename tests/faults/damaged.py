"""Parquet files that something happened to: 200 of them, the same ones in every run."""

import io
import struct
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 400
SEED = 20260101


def sound() -> bytes:
    """A table of pairs, compressed: a flipped bit is seldom unseen."""
    rows = [
        {"prompt": f"Question {i}? " * 5, "chosen": f"yes {i} " * 9, "rejected": f"no {i} " * 9}
        for i in range(ROWS)
    ]
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file, compression="zstd", row_group_size=100)
    return file.getvalue()


def damaged() -> Iterator[bytes]:
    """100 with 20 flipped bits, 50 cut short, 50 with a hole or a repetition."""
    random, content = np.random.default_rng(SEED), sound()
    for _ in range(100):
        flipped = bytearray(content)
        for place in random.integers(4, len(content), 20):
            flipped[place] ^= 1 << int(random.integers(8))
        yield bytes(flipped)
    for end in random.integers(4, len(content), 50):
        yield content[:end]
    for place in random.integers(4, len(content) - 64, 50):
        hole = content[:place] + content[place + int(random.integers(1, 64)) :]
        again = content[: place + 32] + content[place:]
        yield hole if random.random() < 0.5 else again


DAMAGED = list(damaged())


def lying_footers() -> Iterator[bytes]:
    """Counts of rows in the footer (compact Thrift, zigzag varints) of up to 2^62."""
    content = sound()
    (length,) = struct.unpack("<I", content[-8:-4])
    start = len(content) - 8 - length
    body, footer = content[:start], content[start:-8]
    for number in (100, ROWS):
        said = b"\x16" + varint(2 * number)
        assert said in footer
        for lie in (0, 1, number + 1, 10**6, 2**62):
            changed = footer.replace(said, b"\x16" + varint(2 * lie))
            yield body + changed + struct.pack("<I", len(changed)) + b"PAR1"


def varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)
