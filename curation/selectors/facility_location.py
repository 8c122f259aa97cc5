"""Pairs that stand for all others: each pair of the pool resembles one that is kept."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.items import Indices
from curation.selectors.admission import Admission
from curation.selectors.climb import climb, submodular_bound
from curation.selectors.ground import OverVectors, ground
from curation.selectors.selector import Pool, Selection

ONE = 2**30  # a cosine of 1: sums of whole numbers are exact, whatever their order
BLOCK = 512


class FacilityLocation(OverVectors):
    """Greedy maximum of Σ_i max_{j kept} max(0, cos(i, j)), i over all pairs with a vector.

    Monotone submodular, so greedy reaches at least 1 − 1/e of the optimum, and `bound` says how
    much more is possible at all. Up to `exact_up_to` pairs every cosine counts, O(n² log k) time;
    above, those to the `neighbors` nearest, so that memory grows with n alone, and objective and
    bound are those of that graph (the true sum is not smaller).
    """

    version: ClassVar[int] = 1

    kind: Literal["facility_location"] = "facility_location"
    neighbors: int = Field(default=32, ge=1, le=1000)
    exact_up_to: int = Field(default=4096, ge=0, le=20_000)

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        admission = Admission(pool, k, self.max_per_prompt, self.distinct)
        points = ground(admission)
        if len(points) <= self.exact_up_to:
            hill = Dense(points.vectors)
        else:
            hill = Sparse(points.vectors, self.neighbors)
        found = climb(admission, points, hill, quantum=1 / ONE)
        bound = submodular_bound(found, hill.gains)
        importance = points.spread(found.gains, len(pool))
        return admission.selection(importance, found.total, points.degraded, bound)


class Dense:
    """Every cosine. `gains` of all points, kept up to date by the rows that are served better."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self.similarity = whole(vectors @ vectors.T)
        self.best = np.zeros(len(vectors), np.int32)
        self.sums = self.similarity.sum(axis=0, dtype=np.int64)

    @property
    def gains(self) -> NDArray[np.float64]:
        return self.sums / ONE

    def take(self, point: int) -> None:
        rows = np.flatnonzero(self.similarity[point] > self.best)
        for start in range(0, len(rows), BLOCK):
            part = rows[start : start + BLOCK]
            served, before = self.similarity[part], self.best[part][:, None]
            after = self.similarity[point, part][:, None]
            lost = np.clip(served, before, after) - before
            self.sums -= lost.sum(axis=0, dtype=np.int64)
        self.best[rows] = self.similarity[point, rows]


class Sparse:
    """The cosines to the nearest neighbours, and of each point to itself."""

    def __init__(self, vectors: NDArray[np.float32], neighbors: int) -> None:
        self.members, self.similarity = graph(vectors, neighbors)
        self.best = np.zeros(len(vectors), np.int32)
        self.sums = np.zeros(len(vectors), np.int64)
        np.add.at(self.sums, self.members.ravel(), self.similarity.ravel())
        order = np.argsort(self.members.ravel(), kind="stable")
        self.served_by = order // self.members.shape[1]  # rows, grouped by the point they list
        self.served_at = order
        counts = np.bincount(self.members.ravel(), minlength=len(vectors))
        self.starts = np.concatenate([[0], np.cumsum(counts)])

    @property
    def gains(self) -> NDArray[np.float64]:
        return self.sums / ONE

    def take(self, point: int) -> None:
        part = slice(int(self.starts[point]), int(self.starts[point + 1]))
        rows, after = self.served_by[part], self.similarity.ravel()[self.served_at[part]]
        better = after > self.best[rows]
        rows, after = rows[better], after[better]
        before = self.best[rows]
        lost = np.clip(self.similarity[rows], before[:, None], after[:, None]) - before[:, None]
        np.subtract.at(self.sums, self.members[rows].ravel(), lost.ravel().astype(np.int64))
        self.best[rows] = after


def graph(vectors: NDArray[np.float32], neighbors: int) -> tuple[Indices, NDArray[np.int32]]:
    """(m, neighbors + 1) points and cosines, the point itself first. Zero vectors: cosine 0."""
    from curation.models.neighbors import nearest  # loads torch and faiss

    own = np.arange(len(vectors))
    found = nearest(vectors, vectors, neighbors, exclude=own)
    empty = np.asarray(~vectors.any(axis=1), np.bool_)
    cosines = 1 - found.distances.astype(np.float64) ** 2 / 2
    cosines[empty] = 0
    cosines[empty[found.rows]] = 0
    members = np.column_stack([own, found.rows])
    return members, whole(np.column_stack([np.where(empty, 0.0, 1.0), cosines]))


def whole(cosines: NDArray[np.floating]) -> NDArray[np.int32]:
    """Multiples of 2⁻³⁰, rounded to float32's precision so that equal vectors stay equal."""
    steps = np.rint(np.clip(cosines, 0, 1) * 2**20).astype(np.int32)
    return steps * np.int32(2**10)
