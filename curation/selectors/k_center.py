"""Pairs such that none of the pool is far from a kept one."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from curation.selectors.admission import Admission
from curation.selectors.climb import QUANTUM, climb
from curation.selectors.ground import OverVectors, ground
from curation.selectors.selector import Pool, Selection


class KCenter(OverVectors):
    """Farthest first: each pick is the pair farthest from those kept (Gonzalez, 1985).

    Euclidean distance of unit vectors. The objective is minus the radius, the largest distance of
    any pair to a kept one; no k pairs have less than half of it, as `bound` says. The first pick is
    the pair nearest to the mean. Importance: the distance to those kept before. O(n k d) time.
    """

    version: ClassVar[int] = 1

    kind: Literal["k_center"] = "k_center"

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        admission = Admission(pool, k, self.max_per_prompt, self.distinct)
        points = ground(admission)
        hill = Farthest(points.vectors)
        found = climb(admission, points, hill)
        radius, bound = 0.0, 0.0
        if len(points) and admission.order:
            left = np.sqrt(hill.gains)
            radius, bound = float(left.max()), float(left[~found.refused].max(initial=0)) / 2
        importance = np.sqrt(np.clip(found.gains, 0, 4))
        return admission.selection(
            points.spread(importance, len(pool)), -radius, points.degraded, -bound
        )


class Farthest:
    """`gains`: squared distance to the nearest taken point; before any, 4 less that to the mean."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self.vectors = vectors
        self.lengths = np.einsum("ij,ij->i", vectors, vectors)
        self.taken = False
        mean = vectors.mean(axis=0) if len(vectors) else np.zeros(vectors.shape[1], np.float32)
        self.gains = 4 - self.squared(mean)

    def squared(self, place: NDArray[np.float32]) -> NDArray[np.float64]:
        found = self.lengths + place @ place - 2 * (self.vectors @ place)
        return np.clip(np.rint(found / QUANTUM) * QUANTUM, 0, 4).astype(np.float64)

    def take(self, point: int) -> None:
        found = self.squared(self.vectors[point])
        found[point] = 0
        self.gains = np.minimum(self.gains, found) if self.taken else found
        self.taken = True
