"""Nearest neighbours by Euclidean distance, block by block."""

from typing import NamedTuple

import faiss
import numpy as np
import torch
from numpy.typing import NDArray

from curation.items import Floats
from curation.models.device import Device, limit_threads, resolve
from curation.models.half_products import QUERIES, Halves, fits

QUERY_BLOCK = 1024
KEY_BLOCK = 16_384
GATHERED = 512  # differences that are held together


class Neighbors(NamedTuple):
    """(n, k) Euclidean distances, nearest first, and the rows of the index they belong to."""

    distances: NDArray[np.float32]
    rows: NDArray[np.int64]


def nearest(
    queries: Floats,
    index: Floats,
    k: int,
    exclude: NDArray[np.int64] | None = None,
    device: Device = "auto",
) -> Neighbors:
    """The k nearest rows of `index` for each query, fewer where the index has fewer.

    `exclude[i]` is the row of the index that is query i itself (-1: none). On unit vectors the
    order is that of cosine similarity. Memory grows with the blocks, never with n². Of equal
    distances the lower row comes first.

    Exact, but for unit vectors on a CPU that computes bfloat16: there the candidates are found by
    products that are rounded to 8 bits, with room for the rounding, and decided in float32. All
    neighbours were found in every comparison so far (benchmarks/neighbors.py prints the recall).
    """
    queries, index = (
        np.ascontiguousarray(queries, np.float32),
        np.ascontiguousarray(index, np.float32),
    )
    own = np.full(len(queries), -1, np.int64) if exclude is None else exclude
    available = len(index) - (1 if (own >= 0).any() else 0)
    found = max(min(k, available), 0)
    if len(queries) == 0 or found == 0:
        return Neighbors(np.zeros((len(queries), 0), np.float32), np.zeros((len(queries), 0), int))
    asked = min(found + 1, len(index))  # one more: the query itself may be among them
    on_gpu = resolve(device).type == "cuda"
    if not on_gpu and fits(queries, index, asked):
        return by_products(queries, index, found, asked, own)
    search = search_cuda if on_gpu else search_faiss
    blocks = [
        without_self(search(queries[i : i + QUERY_BLOCK], index, asked), own[i : i + QUERY_BLOCK])
        for i in range(0, len(queries), QUERY_BLOCK)
    ]
    rows = np.vstack(blocks)[:, :found]
    return ranked(queries, index, rows)


def by_products(
    queries: Floats, index: Floats, k: int, asked: int, own: NDArray[np.int64]
) -> Neighbors:
    """Of unit vectors; `asked` is one more than k where the query itself may be among them."""
    halves = Halves(index)
    distances = np.empty((len(queries), k), np.float32)
    rows = np.empty((len(queries), k), np.int64)
    for start in range(0, len(queries), QUERIES):
        part, mine = queries[start : start + QUERIES], own[start : start + QUERIES]
        found = halves.largest(part, asked)
        if found.crowded:
            block = ranked(part, index, without_self(search_faiss(part, index, asked), mine)[:, :k])
            distances[start : start + QUERIES], rows[start : start + QUERIES] = block
            continue
        block = decided(part, index, found.queries, found.keys, mine, k)
        distances[start : start + QUERIES], rows[start : start + QUERIES] = block
    return Neighbors(distances, rows)


def decided(
    queries: Floats,
    index: Floats,
    query: NDArray[np.int64],
    key: NDArray[np.int64],
    own: NDArray[np.int64],
    k: int,
) -> Neighbors:
    """The k nearest of these candidates, of which each query has as many, beside itself."""
    others = own[query] != key
    query, key = query[others], key[others]
    away = apart(queries, index, query, key)
    order = np.lexsort((key, away, query))
    counts = np.bincount(query, minlength=len(queries))
    first = (counts.cumsum() - counts)[:, None] + np.arange(k)
    return Neighbors(away[order][first], key[order][first])


def apart(
    queries: Floats, index: Floats, query: NDArray[np.int64], key: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Distances from the difference: 2 − 2 cos loses near-duplicates."""
    found = np.empty(len(query), np.float32)
    for start in range(0, len(query), GATHERED):
        part = slice(start, start + GATHERED)
        difference = index[key[part]]
        difference -= queries[query[part]]
        found[part] = np.sqrt(np.einsum("ij,ij->i", difference, difference))
    return found


def search_faiss(queries: Floats, index: Floats, k: int) -> NDArray[np.int64]:
    """Rows of the k nearest, (n, k)."""
    limit_threads()
    faiss.omp_set_num_threads(torch.get_num_threads())
    _, rows = faiss.knn(queries, index, k, metric=faiss.METRIC_L2)
    return np.asarray(rows, np.int64)


def search_cuda(queries: Floats, index: Floats, k: int) -> NDArray[np.int64]:
    """The same by matrix products on the GPU, the best of each block of keys kept."""
    place = torch.device("cuda")
    asked = torch.as_tensor(queries, device=place)
    best = torch.full((len(queries), 0), 0.0, device=place)
    rows = torch.zeros((len(queries), 0), dtype=torch.int64, device=place)
    for start in range(0, len(index), KEY_BLOCK):
        keys = torch.as_tensor(index[start : start + KEY_BLOCK], device=place)
        nearness = 2 * asked @ keys.T - (keys * keys).sum(1)  # |q|² − |q − x|²
        values, found = nearness.topk(min(k, len(keys)), dim=1)
        best = torch.cat([best, values], dim=1)
        rows = torch.cat([rows, found + start], dim=1)
        best, order = best.topk(min(k, best.shape[1]), dim=1)
        rows = rows.gather(1, order)
    return rows.cpu().numpy()


def without_self(rows: NDArray[np.int64], own: NDArray[np.int64]) -> NDArray[np.int64]:
    """One column fewer where there is a self to exclude: itself, or else the farthest."""
    if (own < 0).all():
        return rows
    is_self = rows == own[:, None]
    drop = np.where(is_self.any(axis=1), is_self.argmax(axis=1), rows.shape[1] - 1)
    keep = np.ones(rows.shape, np.bool_)
    keep[np.arange(len(rows)), drop] = False
    return rows[keep].reshape(len(rows), -1)


def ranked(queries: Floats, index: Floats, rows: NDArray[np.int64]) -> Neighbors:
    """Sorted by the distance computed from the difference: 2 − 2 cos loses near-duplicates."""
    distances = np.empty(rows.shape, np.float32)
    for i in range(0, len(queries), QUERY_BLOCK):
        block = rows[i : i + QUERY_BLOCK]
        for j in range(rows.shape[1]):
            difference = queries[i : i + QUERY_BLOCK] - index[block[:, j]]
            distances[i : i + QUERY_BLOCK, j] = np.sqrt((difference * difference).sum(axis=1))
    order = np.lexsort((rows, distances), axis=1)
    return Neighbors(
        np.take_along_axis(distances, order, axis=1), np.take_along_axis(rows, order, axis=1)
    )
