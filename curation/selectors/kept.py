"""The pairs kept so far, and which others have a cosine above a threshold to one of them."""

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.items import Indices
from curation.selectors.ground import unit
from curation.selectors.selector import Pool

if TYPE_CHECKING:
    import torch

KEPT_BLOCK = 4096  # kept ones whose cosines are computed together
ROUNDING = 1e-5  # a float32 cosine this near to the threshold is computed again
FEW = 8  # pairs a row that are computed one by one sooner than the row's products with all
HALVES = 2048  # pairs of a pool from which on products in bfloat16 come first
# What bfloat16 can change of a cosine: 2^-9 of each vector, and 2^-9 of the product.
ROOM = 2.0**-8 + 2.0**-9 + 2.0**-12

Found = NDArray[np.bool_]


class Block(NamedTuple):
    """(m,) pairs by their rows in the pool, and (m, d) their vectors of length 1."""

    rows: Indices
    vectors: NDArray[np.float32]

    def take(self, members: Indices) -> "Block":
        return Block(self.rows[members], self.vectors[members])


class Kept:
    """Decided as in float64: a rounded product decides only where it is farther from `tau` than
    rounding. At most `most` of `of` pairs are added. Vectors are read a block at a time."""

    def __init__(self, pool: Pool, tau: float, most: int, of: int) -> None:
        self.pool, self.tau, self.count = pool, tau, 0
        width = 1 if pool.vectors is None else pool.vectors.shape[1]
        self.rows = np.empty(min(most, of), np.int64)
        self.vectors = np.empty((len(self.rows), width), np.float32)
        self.halves = halves(of, len(self.rows), width, tau)

    def block(self, rows: Indices) -> Block:
        if self.pool.vectors is None:
            return Block(rows, np.zeros((len(rows), 1), np.float32))
        return Block(rows, unit(self.pool.vectors[rows]))

    def add(self, block: Block) -> None:
        part = slice(self.count, self.count + len(block.rows))
        self.rows[part], self.vectors[part] = block
        if self.halves is not None:
            self.halves.add(block.vectors, self.count)
        self.count = part.stop

    def near(self, block: Block) -> Found:
        """(m,): whether some kept pair has a cosine above tau."""
        found, open_rows = np.zeros(len(block.rows), np.bool_), np.arange(len(block.rows))
        if self.halves is not None and self.count:
            rounded = self.halves.near(block.vectors, self.count)
            found, open_rows = rounded.above, rounded.unsure
            if len(rounded.first) <= FEW * len(open_rows):
                i, j = rounded.first, rounded.second
                found[i[self.exact(block.rows[i], self.rows[j]) > self.tau]] = True
                return found
        for start in range(0, self.count, KEPT_BLOCK):
            part = slice(start, min(start + KEPT_BLOCK, self.count))
            open_rows = open_rows[~found[open_rows]]
            if len(open_rows):
                others = Block(self.rows[part], self.vectors[part])
                found[open_rows] = self.above(block.take(open_rows), others).any(axis=1)
        return found

    def among(self, block: Block) -> Found:
        """(m, m): whether the cosine to one that stands earlier in the block is above tau."""
        if self.halves is None:
            return self.above(block, block) & earlier(len(block.rows))
        found, rows = self.halves.among(block.vectors)
        if len(rows):
            found[rows] = self.above(block.take(rows), block) & earlier(len(found))[rows]
        return found

    def above(self, block: Block, others: Block) -> Found:
        """(m, p): cosine above tau."""
        cosines = block.vectors @ others.vectors.T
        found = cosines > np.float32(self.tau - ROUNDING)
        if not found.any():
            return found
        first, second = np.nonzero(found & (cosines < np.float32(self.tau + ROUNDING)))
        found[first, second] = self.exact(block.rows[first], others.rows[second]) > self.tau
        return found

    def exact(self, first: Indices, second: Indices) -> NDArray[np.float64]:
        """Cosines of pairs, at most 1, from the pool's own vectors."""
        found = np.zeros(len(first))
        if self.pool.vectors is None:
            return found
        for start in range(0, len(first), KEPT_BLOCK):
            part = slice(start, start + KEPT_BLOCK)
            a, b = (
                np.asarray(self.pool.vectors[rows[part]], np.float64) for rows in (first, second)
            )
            lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
            products = np.einsum("ij,ij->i", a, b)
            np.divide(products, lengths, out=found[part], where=lengths > 0)
        return np.minimum(found, 1)


class Rounded(NamedTuple):
    """`above` (m,): to some kept pair. Of the others those that may be, `unsure`, and to whom: the
    row of the block and the kept one's."""

    above: Found
    unsure: Indices
    first: Indices
    second: Indices


class HalfProducts:
    """Cosines to the kept pairs in bfloat16: 0.006 wrong at most, in a fifth of the time.

    Their bits are compared as whole numbers, in whose order positive ones are: tau > ROOM.
    """

    def __init__(self, most: int, width: int, tau: float) -> None:
        import torch

        self.torch = torch
        self.table = torch.empty((most, width), dtype=torch.bfloat16)
        low, high = (
            torch.tensor([tau + step]).bfloat16().view(torch.int16).item() for step in (-ROOM, ROOM)
        )
        self.low, self.high = np.int16(low - 1), np.int16(high + 1)  # whichever way they went
        self.room = torch.empty(0, dtype=torch.bfloat16)

    def add(self, vectors: NDArray[np.float32], start: int) -> None:
        self.table[start : start + len(vectors)] = self.torch.from_numpy(vectors)

    def near(self, vectors: NDArray[np.float32], count: int) -> Rounded:
        """Beside the first `count`."""
        products = self.products(self.half(vectors), self.table[:count])
        largest = products.max(axis=1)
        found = largest > self.high
        unsure = np.flatnonzero((largest > self.low) & ~found)
        first, second = np.nonzero(products[unsure] > self.low)
        return Rounded(found, unsure, unsure[first], second)

    def among(self, vectors: NDArray[np.float32]) -> tuple[Found, Indices]:
        """(m, m) pairs above tau, the later one first; rows where others may be."""
        halves = self.half(vectors)
        products = self.products(halves, halves)
        maybe = products > self.low
        maybe &= earlier(len(vectors))
        found = maybe & (products > self.high)
        return found, np.flatnonzero((maybe & ~found).any(axis=1))

    def half(self, vectors: NDArray[np.float32]) -> "torch.Tensor":
        return self.torch.from_numpy(vectors).bfloat16()

    def products(self, one: "torch.Tensor", other: "torch.Tensor") -> NDArray[np.int16]:
        """Overwritten by the next."""
        size = len(one) * len(other)
        if len(self.room) < size:
            self.room = self.torch.empty(2 * size, dtype=self.torch.bfloat16)
        out = self.room[:size].view(len(one), len(other))
        self.torch.mm(one, other.T, out=out)
        return out.view(self.torch.int16).numpy()


@lru_cache(2)
def earlier(count: int) -> Found:
    """(count, count): whether the column stands before the row."""
    return np.tri(count, k=-1, dtype=np.bool_)


def halves(pairs: int, most: int, width: int, tau: float) -> HalfProducts | None:
    """Where there are enough pairs for them, and hardware."""
    if pairs < HALVES or tau <= 2 * ROOM:
        return None
    import torch

    from curation.models.device import computes_bfloat16, limit_threads  # a second to load

    if not computes_bfloat16(torch.device("cpu")):
        return None
    limit_threads()
    return HalfProducts(most, width, tau)
