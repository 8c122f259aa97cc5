"""Prompts that say nearly the same: MinHash finds the candidates, their Jaccard index decides."""

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, pairwise

import numpy as np
from datasketch import MinHash

THRESHOLD = 0.8  # Jaccard index of the sets of word pairs, 0..1, higher = more alike
BANDS, ROWS = 25, 5  # at a Jaccard index of 0.8 a pair is missed once in 20,000
CROWD = 200  # texts in one bucket that are taken together without a look at each pair
SEED = 1
# A word; where a script puts no space between words, a character.
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")

Shingles = frozenset[str]


def shingles(text: str) -> Shingles:
    """Pairs of neighbouring words without regard to case and punctuation; a lone word itself."""
    words = WORD.findall(text.casefold())
    return frozenset(map(" ".join, pairwise(words))) or frozenset(words)


def jaccard(one: Shingles, other: Shingles) -> float:
    """Shared of all, 0..1; 0 where neither holds a word."""
    shared = len(one & other)
    return shared / ((len(one) + len(other) - shared) or 1)


def near_duplicates(
    texts: Sequence[str], threshold: float = THRESHOLD, crowds: bool = True
) -> Iterator[tuple[int, ...]]:
    """Groups of indices that belong together: pairs with a Jaccard index >= threshold, and crowds.

    A text without a word is like no other. In a bucket of more than 200 texts, which agree in
    five minima of their hashes, all are taken together: rather too many than a leak, and the time
    stays linear. Without `crowds` such a bucket is passed over. Broder 1997, Leskovec et al. 2014
    (ch. 3).
    """
    found = list(map(shingles, texts))
    same: dict[Shingles, list[int]] = {}
    for index, each in enumerate(found):
        if each:
            same.setdefault(each, []).append(index)
    yield from (tuple(group) for group in same.values() if len(group) > 1)
    first = [group[0] for group in same.values()]
    seen: set[tuple[int, int]] = set()
    for bucket in buckets(first, [found[index] for index in first]):
        if len(bucket) > CROWD:
            if crowds:
                yield tuple(bucket)
            continue
        for one, other in combinations(bucket, 2):
            if (one, other) not in seen:
                seen.add((one, other))
                if jaccard(found[one], found[other]) >= threshold:
                    yield one, other


def buckets(indices: Sequence[int], sets: Iterable[Shingles]) -> Iterator[list[int]]:
    """Indices whose signatures agree in all rows of a band."""
    signatures = signatures_of(sets)
    for band in range(BANDS):
        table: dict[bytes, list[int]] = {}
        rows = signatures[:, band * ROWS : (band + 1) * ROWS]
        for index, row in zip(indices, np.ascontiguousarray(rows), strict=True):
            table.setdefault(row.tobytes(), []).append(index)
        yield from (bucket for bucket in table.values() if len(bucket) > 1)


def signatures_of(sets: Iterable[Shingles]) -> "np.ndarray[tuple[int, int], np.dtype[np.uint64]]":
    """Shape (texts, BANDS * ROWS)."""
    encoded = ([each.encode("utf-8", "surrogatepass") for each in sorted(found)] for found in sets)
    hashed = MinHash.generator(encoded, num_perm=BANDS * ROWS, seed=SEED, hashfunc=zlib.crc32)
    rows = [np.asarray(found.hashvalues, np.uint64) for found in hashed]
    return np.array(rows, np.uint64).reshape(-1, BANDS * ROWS)
