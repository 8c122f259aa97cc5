"""The large ones among all products of unit vectors: computed in bfloat16, named without sorting.

A matrix product in bfloat16 takes a fourth of the time of one in float32 where the hardware has it;
what is written is read once more for the maxima of groups of 64, and only groups that can hold one
of the k best are looked into. Whoever asks computes the few that are left in float32.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from curation.items import Floats
from curation.models.device import computes_bfloat16, limit_threads

QUERIES, KEYS = 1024, 8192  # of one product: what is written stays in the cache
GROUP = 64
MOST_K = 64
LEAST_KEYS = 4096
UNEVEN = 1e-3  # by how much lengths of vectors may differ
ROUNDING = 2e-3  # of a product of unit vectors, beside the rounding of the product itself
CROWDED = 4000  # candidates a query; more are near-copies of one vector

Shorts = NDArray[np.int16]  # bfloat16 by its bits: positive ones are in the order of the numbers
Places = NDArray[np.int64]


class Large(NamedTuple):
    """Products (query, key), in no order. `crowded`: too many, so that there are none."""

    queries: Places
    keys: Places
    crowded: bool = False


def fits(queries: Floats, keys: Floats, k: int) -> bool:
    """Whether `largest` can be asked: enough unit vectors, and hardware for them."""
    if k > MOST_K or len(keys) < LEAST_KEYS or not computes_bfloat16(torch.device("cpu")):
        return False
    lengths = (np.einsum("ij,ij->i", each, each) for each in (queries, keys))
    return all(bool(np.abs(each - 1).max() < UNEVEN) for each in lengths)


class Halves:
    """The keys in bfloat16, filled up with zeros to whole groups."""

    def __init__(self, keys: Floats) -> None:
        limit_threads()
        groups = -(-len(keys) // GROUP) * GROUP
        self.table = torch.zeros((groups, keys.shape[1]), dtype=torch.bfloat16)
        self.table[: len(keys)] = torch.from_numpy(np.ascontiguousarray(keys, np.float32))
        self.room = torch.empty(QUERIES * KEYS, dtype=torch.bfloat16)

    @classmethod
    def over(cls, table: torch.Tensor, room: torch.Tensor) -> "Halves":
        """Of keys that are in bfloat16 already, whole groups of them; `room` is written over."""
        found = cls.__new__(cls)
        found.table, found.room = table, room
        return found

    def products(self, queries: Floats) -> Iterator[tuple[int, Shorts]]:
        """First key and the products with it and those after it, (queries, keys), overwritten by
        the next; at most 1,024 queries."""
        asked = torch.from_numpy(np.ascontiguousarray(queries, np.float32)).bfloat16()
        for start in range(0, len(self.table), KEYS):
            part = self.table[start : start + KEYS]
            out = self.room[: len(asked) * len(part)].view(len(asked), len(part))
            torch.mm(asked, part.T, out=out)
            yield start, out.view(torch.int16).numpy()

    def largest(self, queries: Floats, k: int) -> Large:
        """Of each query at least those keys whose product may be among its k largest. `crowded`
        also where the k-th is not above 0."""
        best: Shorts = np.zeros((len(queries), 0), np.int16)
        rows, keys, values, count = [], [], [], 0
        bound: Shorts = np.zeros(len(queries), np.int16)
        for start, products in self.products(queries):
            tops = products.reshape(len(queries), GROUP, -1).max(axis=1)
            best = np.concatenate([best, tops], axis=1)
            if best.shape[1] > k:
                best = np.ascontiguousarray(np.partition(best, -k, axis=1)[:, -k:])
            bound = lowered(best.min(axis=1)) if best.shape[1] == k else bound
            row, key, value = above(products, tops, bound)
            rows.append(row)
            keys.append(key + start)
            values.append(value)
            count += len(row)
            if count > CROWDED * len(queries):
                break
        if count > CROWDED * len(queries) or (bound <= 0).any():
            return Large(np.zeros(0, np.int64), np.zeros(0, np.int64), True)
        row, key, value = np.concatenate(rows), np.concatenate(keys), np.concatenate(values)
        kept = value >= bound[row]
        return Large(row[kept], key[kept])

    def at_least(self, queries: Floats, least: float) -> Iterator[Large]:
        """Those products that may be at least so large, 0 < least; block by block."""
        bound = np.full(len(queries), shorts(np.array([least]))[0], np.int16)
        for start, products in self.products(queries):
            tops = products.reshape(len(queries), GROUP, -1).max(axis=1)
            row, key, _ = above(products, tops, lowered(bound))
            yield Large(row, key + start)


def above(products: Shorts, tops: Shorts, bound: Shorts) -> tuple[Places, Places, Shorts]:
    """Row, column and value of what reaches its row's bound."""
    groups = tops.shape[1]
    row, group = np.nonzero(tops >= bound[:, None])
    members = products.reshape(len(products), GROUP, groups)[row, :, group]
    hit, place = np.nonzero(members >= bound[row][:, None])
    return row[hit], place * groups + group[hit], members[hit, place]


def lowered(bound: Shorts) -> Shorts:
    """By what rounding of the vectors and of the products can have changed."""
    value = (bound.astype(np.int32) << 16).view(np.float32)
    return shorts(value - np.maximum(ROUNDING, value * 2.0**-8))


def shorts(values: Floats) -> Shorts:
    """Rounded down, where they are positive."""
    return (np.asarray(values, np.float32).view(np.int32) >> 16).astype(np.int16)
