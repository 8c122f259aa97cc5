"""Pairs that tell a linear model on their vectors the most."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.items import View
from curation.selectors.admission import Admission
from curation.selectors.climb import climb, submodular_bound
from curation.selectors.ground import OverVectors, ground
from curation.selectors.selector import Pool, Selection


class InformationGain(OverVectors):
    """Greedy maximum of ½ log det(I + Σ v vᵀ / ridge), in nats: Bayesian D-optimal design.

    What the kept vectors tell about the weights of a linear model with a Gaussian prior, `ridge` =
    noise variance over prior variance; also the entropy of the kept set under a Gaussian, as in
    D01. Monotone submodular: greedy reaches 1 − 1/e of the optimum and `bound` says how much more
    is possible. O(n k d) time, O(n d) memory, any k. Importance: the gain.
    """

    version: ClassVar[int] = 1

    kind: Literal["information_gain"] = "information_gain"
    ridge: float = Field(default=0.1, ge=1e-4, le=1e4)
    view: View = View.prompt_chosen

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        admission = Admission(pool, k, self.max_per_prompt, self.distinct)
        points = ground(admission)
        hill = Posterior(points.vectors, self.ridge)
        found = climb(admission, points, hill)
        bound = submodular_bound(found, hill.gains)
        importance = points.spread(found.gains, len(pool))
        return admission.selection(importance, found.total, points.degraded, bound)


class Posterior:
    """`variance` (m,) vᵀ A⁻¹ v, A = ridge I + Σ v vᵀ of those taken, by Sherman and Morrison."""

    def __init__(self, vectors: NDArray[np.float32], ridge: float) -> None:
        self.vectors = vectors
        self.inverse = np.eye(vectors.shape[1]) / ridge
        self.variance = np.einsum("ij,ij->i", vectors, vectors).astype(np.float64) / ridge

    @property
    def gains(self) -> NDArray[np.float64]:
        return 0.5 * np.log1p(self.variance)

    def take(self, point: int) -> None:
        direction = self.inverse @ self.vectors[point].astype(np.float64)
        scale = 1 + float(self.vectors[point] @ direction)
        self.inverse -= np.outer(direction, direction) / scale
        shared = (self.vectors @ direction.astype(np.float32)).astype(np.float64)
        self.variance = np.maximum(self.variance - shared**2 / scale, 0)
