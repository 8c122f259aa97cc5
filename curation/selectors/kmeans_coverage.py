"""The pair in the middle of each cluster."""

from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.items import Floats, Indices
from curation.selectors.admission import Admission, best_first, id_ranks
from curation.selectors.ground import OverVectors, ground
from curation.selectors.selector import Pool, Selection
from curation.selectors.strata import allotted, fill_seats

BLOCK = 4096


class KmeansCoverage(OverVectors):
    """k-means of the vectors; of each cluster the pairs nearest to its centre.

    `clusters`: as many as pairs are kept where missing; fewer share the seats in proportion to
    their pairs. Seats that stay empty go to the nearest of the others. The objective is minus the
    sum of squared distances to the centres, importance minus the distance. O(n · clusters · d) an
    iteration; k-means++ and Lloyd, by the seed.
    """

    version: ClassVar[int] = 1

    kind: Literal["kmeans_coverage"] = "kmeans_coverage"
    clusters: int | None = Field(default=None, ge=1, le=100_000)
    iterations: int = Field(default=20, ge=1, le=1000)

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        admission = Admission(pool, k, self.max_per_prompt, self.distinct)
        points = ground(admission)
        count = min(self.clusters or max(admission.k, 1), len(points))
        found = kmeans(points.vectors, count, self.iterations, seed)
        importance = points.spread(-np.sqrt(found.squared), len(pool))
        sizes = np.bincount(found.of, minlength=count)
        seats = allotted(np.maximum(sizes, 1e-9), admission.k, sizes)
        if self.clusters is None:
            seats = np.minimum(sizes, 1)
        of = np.full(len(pool), 0, np.int64)
        of[points.rows] = found.of
        order = best_first(importance, id_ranks(pool))
        fill_seats(admission, order, of, seats, None)
        return admission.selection(importance, -float(found.squared.sum()), points.degraded)


class Clusters(NamedTuple):
    """(m,): the cluster of each point, and its squared distance to the centre (count, d)."""

    of: Indices
    squared: NDArray[np.float64]
    centres: NDArray[np.float32]


def kmeans(vectors: NDArray[np.float32], count: int, iterations: int, seed: int) -> Clusters:
    """Lloyd from k-means++; ends where no point moves. An empty cluster keeps its centre."""
    if len(vectors) == 0:
        return Clusters(np.zeros(0, np.int64), np.zeros(0), vectors)
    centres = spread_out(vectors, count, np.random.default_rng(seed))
    of, squared = nearest_centre(vectors, centres)
    for _ in range(iterations):
        order = np.argsort(of, kind="stable")
        present, starts = np.unique(of[order], return_index=True)
        sums = np.add.reduceat(vectors[order].astype(np.float64), starts, axis=0)
        centres[present] = sums / np.diff([*starts, len(of)])[:, None]
        before = of
        of, squared = nearest_centre(vectors, centres)
        if (of == before).all():
            break
    return Clusters(of, squared, centres)


def nearest_centre(
    vectors: NDArray[np.float32], centres: NDArray[np.float32]
) -> tuple[Indices, NDArray[np.float64]]:
    """Of equally near centres the first; distances below float32's precision are equal."""
    of, squared = np.empty(len(vectors), np.int64), np.empty(len(vectors))
    lengths = np.einsum("ij,ij->i", centres, centres)
    for start in range(0, len(vectors), BLOCK):
        part = vectors[start : start + BLOCK]
        away = lengths - 2 * (part @ centres.T)
        best = away.argmin(axis=1)
        gap = part - centres[best]
        of[start : start + BLOCK] = best
        squared[start : start + BLOCK] = np.round(np.einsum("ij,ij->i", gap, gap), 6)
    return of, squared


def spread_out(
    vectors: NDArray[np.float32], count: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """k-means++: each next centre drawn by its squared distance to the nearest before."""
    chosen = [int(rng.integers(len(vectors)))]
    lengths = np.einsum("ij,ij->i", vectors, vectors)
    nearest: Floats = np.full(len(vectors), np.inf)
    while len(chosen) < count:
        last = vectors[chosen[-1]]
        away = lengths + lengths[chosen[-1]] - 2 * (vectors @ last)
        nearest = np.minimum(nearest, np.clip(np.round(away, 6), 0, None))
        total = np.cumsum(nearest, dtype=np.float64)
        if total[-1] <= 0:  # every point is a centre already
            break
        chosen.append(int(np.searchsorted(total, rng.random() * total[-1], side="right")))
    return vectors[np.minimum(chosen, len(vectors) - 1)].copy()
