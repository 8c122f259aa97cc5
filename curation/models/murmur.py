"""MurmurHash3 of many short byte strings at once: Appleby 2008, MurmurHash3_x86_32 with seed 0."""

import numpy as np
from numpy.typing import NDArray


def murmur3(content: NDArray[np.uint8], starts: NDArray[np.int64], size: int) -> NDArray[np.int32]:
    """Of the strings of `size` 3 or 4 bytes at `starts` in `content`."""
    key = np.zeros(len(starts), np.uint32)
    for place in range(size):
        key |= content[starts + place].astype(np.uint32) << np.uint32(8 * place)
    key = turned(key * np.uint32(0xCC9E2D51), 15) * np.uint32(0x1B873593)
    if size == 4:  # a whole block; 3 bytes are a tail, which is mixed less
        key = turned(key, 13) * np.uint32(5) + np.uint32(0xE6546B64)
    key ^= np.uint32(size)
    key = (key ^ (key >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    key = (key ^ (key >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return (key ^ (key >> np.uint32(16))).view(np.int32)


def turned(key: NDArray[np.uint32], bits: int) -> NDArray[np.uint32]:
    return (key << np.uint32(bits)) | (key >> np.uint32(32 - bits))
