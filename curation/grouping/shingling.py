"""Word n-grams of many texts at once, as numbers: what near-duplicates are found by."""

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.grouping.fingerprints import WORD

BITS = 52  # of a shingle's hash
CHARACTERS = 1 << 17  # taken together: few steps, and a core's cache holds them
TEXTS = 1 << (64 - BITS)
PRIME = 0x9E3779B97F4A7C15
OTHER = np.uint64(0xC2B2AE3D27D4EB4F)
NARROW, PLANE = 1 << 8, 1 << 16
LONE = 1 << 24  # added to a character that is a word by itself

Hashes = NDArray[np.uint64]
Places = NDArray[np.int64]


class Shingles(NamedTuple):
    """Those of text i are `hashes[offsets[i]:offsets[i + 1]]`, in their order, with repeats."""

    hashes: Hashes
    offsets: Places


def shingles_of(texts: Sequence[str], words: int = 2) -> Iterator[Shingles]:
    """Of some neighbouring texts at a time, at most 4,096: the n-grams of `words` words, without
    regard to case and punctuation. A text of fewer words has one: all of them. What a word is,
    `fingerprints.WORD` says. A hash has 52 bits; different words have the same once in 10^15.
    """
    for part in parted(texts):
        found, counts = word_hashes(part)
        yield runs(found, counts, words)


def parted(texts: Sequence[str]) -> Iterator[list[str]]:
    """Neighbours of together 2^17 characters."""
    waiting: list[str] = []
    size = 0
    for text in texts:
        if waiting and (size + len(text) >= CHARACTERS or len(waiting) == TEXTS):
            yield waiting
            waiting, size = [], 0
        waiting.append(text)
        size += len(text) + 1
    if waiting:
        yield waiting


def word_hashes(texts: Sequence[str]) -> tuple[Hashes, Places]:
    """A hash of each word in the order of the texts, and how many words each text has."""
    joined = "\n".join([*texts, ""])
    if not joined.isascii():  # a text may have another length without case
        texts = [text.casefold() for text in texts]
        joined = "\n".join([*texts, ""])
    codes = word_codes(joined)
    there = codes > 0
    starts = there.copy()
    starts[1:] &= ~there[:-1]
    if codes.dtype != np.uint8:
        lone = codes >= LONE
        starts |= lone
        starts[1:] |= there[1:] & lone[:-1]
    places = np.flatnonzero(starts)
    ends = np.fromiter(map(len, texts), np.int64, len(texts)).cumsum() + np.arange(len(texts))
    counts = np.diff(np.searchsorted(places, ends), prepend=0)
    if not len(places):
        return np.zeros(0, np.uint64), counts
    powers, inverses = steps(PRIME, 1 << (len(codes) - 1).bit_length())
    sums = np.empty(len(codes) + 1, np.uint64)
    sums[0] = 0
    np.multiply(codes, powers[: len(codes)], out=sums[1:], dtype=np.uint64)
    np.cumsum(sums, out=sums)
    bounds = sums.take(np.append(places, len(codes)))
    return mixed(
        np.subtract(bounds[1:], bounds[:-1], out=bounds[:-1]) * inverses.take(places)
    ), counts


def word_codes(text: str) -> NDArray[np.unsignedinteger]:
    """The code point of each character of a word, 0 where there is none; of ASCII without case."""
    if text.isascii():
        return np.frombuffer(text.encode().translate(narrow()), np.uint8)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    if codes.max() < PLANE:
        return wide()[codes]
    found = wide()[np.minimum(codes, PLANE - 1)]
    beyond = np.flatnonzero(codes >= PLANE)
    seen, which = np.unique(codes[beyond], return_inverse=True)
    found[beyond] = np.array([code_of(code) for code in seen.tolist()], np.uint32)[which]
    return found


def runs(words: Hashes, counts: Places, size: int) -> Shingles:
    """The hash of each run of `size` words of one text, or of all words of a shorter one."""
    hashes = windows(words, size)
    lengths = np.minimum(counts, size)  # of a run
    kept = np.repeat(lengths == size, counts)
    ends = counts.cumsum()
    for back in range(1, size):  # the last words of a text begin no run
        kept[(ends - back)[counts >= back]] = False
    short = np.flatnonzero((counts > 0) & (counts < size))
    for text in short.tolist():
        start = int(ends[text] - counts[text])
        kept[start] = True
        hashes[start] = whole(words[start : int(ends[text])].tolist())
    sizes = np.where(counts > 0, np.maximum(counts - size + 1, 1), 0)
    return Shingles(
        mixed(hashes[kept]) >> np.uint64(64 - BITS), np.append(np.int64(0), sizes.cumsum())
    )


def windows(words: Hashes, size: int) -> Hashes:
    """Of each word with the size - 1 that follow: the number whose digits they are, to the base
    OTHER. Differences of prefix sums, as modulo 2^64 the base has an inverse."""
    powers, inverses = steps(int(OTHER), 1 << max(len(words) + size - 2, 1).bit_length())
    sums = np.empty(len(words) + size, np.uint64)
    sums[0] = 0
    np.multiply(words, inverses[: len(words)], out=sums[1 : len(words) + 1])
    sums[len(words) + 1 :] = 0
    np.cumsum(sums, out=sums)
    found = sums[size:] - sums[: len(words)]
    found *= powers[size - 1 : size - 1 + len(words)]
    return found


def whole(words: Sequence[int]) -> int:
    found = len(words)
    for word in words:
        found = (found * int(OTHER) + word) % (1 << 64)
    return found


def mixed(hashes: Hashes) -> Hashes:
    """Every bit of the input in every bit of the output."""
    found = hashes >> np.uint64(31)
    found ^= hashes
    found *= np.uint64(PRIME)
    high = found >> np.uint64(29)
    found ^= high
    found *= OTHER
    np.right_shift(found, np.uint64(32), out=high)
    found ^= high
    return found


@cache
def narrow() -> bytes:
    """Of ASCII, the letters without case."""
    return bytes(code_of(ord(chr(code).lower())) if code < 128 else 0 for code in range(NARROW))


@cache
def wide() -> NDArray[np.uint32]:
    """Of the basic plane of Unicode."""
    return np.array([code_of(code) for code in range(PLANE)], np.uint32)


def code_of(code: int) -> int:
    character = chr(code)
    if not WORD.fullmatch(character):
        return 0
    return code if WORD.fullmatch(character * 2) else code + LONE


@lru_cache(4)
def steps(base: int, size: int) -> tuple[Hashes, Hashes]:
    """Powers modulo 2^64 of an odd number and of its inverse: what is hashed with them is the same
    at any place."""
    bases = (base, pow(base, -1, 1 << 64))
    powers, inverses = (np.full(size, base, np.uint64) for base in bases)
    powers[0] = inverses[0] = 1
    return np.multiply.accumulate(powers), np.multiply.accumulate(inverses)
