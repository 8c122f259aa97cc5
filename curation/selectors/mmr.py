"""Relevant pairs unlike those already kept (maximal marginal relevance)."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.selectors.admission import Admission
from curation.selectors.climb import climb
from curation.selectors.ground import OverVectors, ground
from curation.selectors.selector import Pool, Selection
from curation.selectors.terms import Normalise, normalised


class Mmr(OverVectors):
    """Each pick has the largest weight · relevance − (1 − weight) · max cos to the kept.

    Carbonell and Goldstein, 1998. Relevance is the term, normalised; before the first pick nothing
    is similar. The objective is the sum of the picks' values. O(n k d) time.
    """

    version: ClassVar[int] = 1

    kind: Literal["mmr"] = "mmr"
    relevance: str = Field(default="margin", min_length=1)
    weight: float = Field(default=0.5, ge=0, le=1, description="1 = relevance alone")
    normalise: Normalise = "minmax"

    def terms(self) -> tuple[str, ...]:
        return (self.relevance,)

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        admission = Admission(pool, k, self.max_per_prompt, self.distinct)
        points = ground(admission, self.terms())
        own = np.zeros(len(points))
        if points.worth.shape[1]:
            own = self.weight * normalised(points.worth[:, 0], self.normalise)
        hill = Unlike(points.vectors, own, 1 - self.weight)
        found = climb(admission, points, hill)
        return admission.selection(
            points.spread(found.gains, len(pool)), found.total, points.degraded
        )


class Unlike:
    """`gains`: own value less the weighted cosine to the most similar point taken."""

    def __init__(
        self, vectors: NDArray[np.float32], own: NDArray[np.float64], weight: float
    ) -> None:
        self.vectors, self.own, self.weight = vectors, own, weight
        self.nearest = np.full(len(vectors), -np.inf)
        self.gains = own.copy()

    def take(self, point: int) -> None:
        cosines = self.vectors @ self.vectors[point]
        np.maximum(self.nearest, cosines, out=self.nearest)
        self.gains = self.own - self.weight * self.nearest
