"""Inverted lists that are read for all queries of a list at once, as products in bfloat16.

A query of its own would read lists that its neighbours in the same list read as well; here the
lists nearest to a centre are laid side by side and multiplied with all queries of that centre.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from curation.items import Floats, Indices
from curation.models.device import limit_threads
from curation.models.half_products import GROUP, KEYS, QUERIES, Halves, fits
from curation.models.neighbors import (
    Neighbors,
    decided,
    nearest,
    ranked,
    search_faiss,
    without_self,
)

TRAINING = 64  # vectors a centre is learnt from
ROUNDS = 10
BLOCK = 8192


class GroupedLists:
    """Of unit vectors: a list for each of `count` centres, in bfloat16."""

    def __init__(self, vectors: Floats, count: int, probes: int, seed: int) -> None:
        limit_threads()
        self.vectors = vectors
        self.centres = learnt(vectors, count, np.random.default_rng(seed))
        own = assigned(vectors, self.centres)
        self.rows = np.argsort(own, kind="stable")  # list after list
        self.starts = np.searchsorted(own[self.rows], np.arange(count + 1))
        self.table = torch.empty(vectors.shape, dtype=torch.bfloat16)
        for start in range(0, len(vectors), BLOCK):
            part = vectors[self.rows[start : start + BLOCK]]
            self.table[start : start + BLOCK] = torch.from_numpy(part)
        near = self.centres @ self.centres.T
        self.probes = np.argsort(-near, axis=1, kind="stable")[:, :probes]
        self.room = torch.empty(QUERIES * KEYS, dtype=torch.bfloat16)
        self.keys = torch.empty((0, vectors.shape[1]), dtype=torch.bfloat16)

    def nearest(self, queries: Floats, k: int, own: Indices) -> Neighbors:
        """The k nearest of the lists that are read for a query; `own` as in `neighbors.nearest`."""
        distances = np.empty((len(queries), k), np.float32)
        rows = np.empty((len(queries), k), np.int64)
        rounded = fits(queries, self.vectors, k + 1)
        home = assigned(queries, self.centres)
        order = np.argsort(home, kind="stable")
        lists, starts = np.unique(home[order], return_index=True)
        bounds = [*starts.tolist(), len(order)]
        for number, centre in enumerate(lists.tolist()):
            members = order[bounds[number] : bounds[number + 1]]
            around = self.around(centre)
            for start in range(0, len(members), QUERIES):
                some = members[start : start + QUERIES]
                distances[some], rows[some] = self.among(
                    queries[some], around, k, own[some], rounded
                )
        return Neighbors(distances, rows)

    def around(self, centre: int) -> Indices:
        """Rows of the vectors of the lists nearest to this one, which are laid out in `keys`."""
        bounds = [
            (int(self.starts[each]), int(self.starts[each + 1]))
            for each in self.probes[centre].tolist()
        ]
        size = sum(last - first for first, last in bounds)
        if len(self.keys) < size + GROUP:
            self.keys = torch.empty(
                (size * 5 // 4 + GROUP, self.table.shape[1]), dtype=torch.bfloat16
            )
        torch.cat([self.table[first:last] for first, last in bounds], out=self.keys[:size])
        self.keys[size : size + GROUP] = 0
        return np.concatenate([self.rows[first:last] for first, last in bounds])

    def among(
        self, queries: Floats, around: Indices, k: int, own: Indices, rounded: bool
    ) -> Neighbors:
        """The k nearest of these rows; `rounded`: whether products in bfloat16 may name them."""
        if len(around) <= k:
            return nearest(queries, self.vectors, k, own, "cpu")
        if rounded:
            whole = -(-len(around) // GROUP) * GROUP
            found = Halves.over(self.keys[:whole], self.room).largest(queries, k + 1)
            if not found.crowded:
                return decided(queries, self.vectors, found.queries, around[found.keys], own, k)
        rows = around[search_faiss(queries, self.vectors[around], k + 1)]
        return ranked(queries, self.vectors, without_self(rows, own)[:, :k])


def learnt(vectors: Floats, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(count, d) centres of length 1 (spherical k-means of a sample)."""
    drawn = rng.choice(len(vectors), min(len(vectors), TRAINING * count), replace=False)
    sample = vectors[np.sort(drawn)]
    centres = sample[rng.choice(len(sample), count, replace=False)]
    for _ in range(ROUNDS):
        own = assigned(sample, centres)
        order = np.argsort(own, kind="stable")
        held, starts = np.unique(own[order], return_index=True)
        bounds = [*starts.tolist(), len(order)]
        for number, each in enumerate(held.tolist()):
            members = order[bounds[number] : bounds[number + 1]]
            centres[each] = sample[members].sum(axis=0)
        empty = np.setdiff1d(np.arange(count), held)
        centres[empty] = sample[rng.choice(len(sample), len(empty), replace=False)]
        lengths = np.linalg.norm(centres, axis=1, keepdims=True)
        centres /= np.where(lengths > 0, lengths, 1)
    return centres


def assigned(vectors: Floats, centres: Floats) -> Indices:
    """(n,): the nearest centre, nearly: by products in bfloat16."""
    keys = torch.from_numpy(np.ascontiguousarray(centres)).bfloat16().T
    found = np.empty(len(vectors), np.int64)
    for start in range(0, len(vectors), QUERIES):
        part = torch.from_numpy(np.ascontiguousarray(vectors[start : start + QUERIES])).bfloat16()
        products = torch.mm(part, keys)
        found[start : start + QUERIES] = products.view(torch.int16).numpy().argmax(axis=1)
    return found
