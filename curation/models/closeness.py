"""All vectors that point nearly the same way, joined to groups; memory grows with the blocks."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from curation.grouping.joining import joined
from curation.items import Floats
from curation.models.half_products import QUERIES, Halves, fits

BLOCK = 4096
HITS = 16_384  # whose vectors are held at once


def close(vectors: Floats, cosine: float) -> NDArray[np.int64]:
    """(n,): equal numbers for unit vectors that a chain of cosines >= `cosine` connects.
    The number is the lowest row of the group; `cosine` is above 0."""
    table = np.ascontiguousarray(vectors, np.float32)
    labels = np.arange(len(table))
    halves = Halves(table) if len(table) and fits(table, table, 1) else None
    for start in range(0, len(table), QUERIES):
        part = table[start : start + QUERIES]
        if halves is not None:
            found = ((each.queries + start, each.keys) for each in halves.at_least(part, cosine))
        else:
            found = by_float32(part, start, table, cosine)
        for one, other in found:
            later = other > one
            one, other = one[later], other[later]
            near = cosines(table, one, other) >= cosine - 1e-6
            labels = joined(labels, np.stack([one[near], other[near]], axis=1))
    return labels


def cosines(table: Floats, one: NDArray[np.int64], other: NDArray[np.int64]) -> Floats:
    """(hits,) of these rows: of many near-copies there are far more hits than vectors."""
    found = np.empty(len(one), np.float32)
    for start in range(0, len(one), HITS):
        some = slice(start, start + HITS)
        np.einsum("ij,ij->i", table[one[some]], table[other[some]], out=found[some])
    return found


def by_float32(
    part: Floats, start: int, table: Floats, cosine: float
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    for first in range(start - start % BLOCK, len(table), BLOCK):
        one, other = np.nonzero(part @ table[first : first + BLOCK].T >= cosine - 1e-3)
        yield one + start, other + first
