"""Good pairs that span as much as they can: the greedy mode of a determinantal point process."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.selectors.admission import Admission
from curation.selectors.climb import climb
from curation.selectors.ground import OverVectors, ground
from curation.selectors.selector import Pool, Selection
from curation.selectors.terms import normalised


class DppGreedyMap(OverVectors):
    """Greedy maximum of log det L_S, L = diag(q) (cos + ridge I) diag(q), q = exp(theta · quality).

    Chen et al., arXiv:1709.05135: Cholesky rows kept up to date, O(n k (k + d)) time and O(n k)
    memory. The quality term is scaled to [0, 1]; without one all pairs count the same. The ridge
    keeps the determinant positive where more pairs are kept than the vectors have dimensions.
    Importance: the gain in log det. Greedy has no guarantee here, so there is no bound.
    """

    version: ClassVar[int] = 1

    kind: Literal["dpp_greedy_map"] = "dpp_greedy_map"
    quality: str | None = Field(default=None, description="term that pairs are preferred by")
    theta: float = Field(default=1.0, ge=0, le=20, description="weight of quality")
    ridge: float = Field(default=0.01, ge=1e-4, le=100)

    def terms(self) -> tuple[str, ...]:
        return (self.quality,) if self.quality else ()

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        admission = Admission(pool, k, self.max_per_prompt, self.distinct)
        points = ground(admission, self.terms())
        logs = np.zeros(len(points))
        if points.worth.shape[1]:
            logs = self.theta * normalised(points.worth[:, 0], "minmax")
        hill = Volume(points.vectors, logs, self.ridge, min(admission.k, len(points)))
        found = climb(admission, points, hill)
        return admission.selection(
            points.spread(found.gains, len(pool)), found.total, points.degraded
        )


class Volume:
    """`gains`: how much log det grows. `rows[:t]` are the Cholesky rows of the t points taken."""

    def __init__(
        self, vectors: NDArray[np.float32], logs: NDArray[np.float64], ridge: float, k: int
    ) -> None:
        self.vectors, self.logs, self.ridge = vectors, logs, ridge
        self.rows = np.empty((max(k, 0), len(vectors)), np.float32)
        self.count = 0
        self.left = np.einsum("ij,ij->i", vectors, vectors).astype(np.float64) + ridge

    @property
    def gains(self) -> NDArray[np.float64]:
        return 2 * self.logs + np.log(self.left)

    def take(self, point: int) -> None:
        """One more Cholesky row; what is left of each point's variance stays above the ridge."""
        done = self.rows[: self.count]
        row = self.vectors @ self.vectors[point]
        row[point] += self.ridge
        row -= done[:, point] @ done
        row /= np.sqrt(self.left[point])
        self.rows[self.count] = row
        self.count += 1
        spent = self.left - row.astype(np.float64) ** 2
        self.left = np.maximum(spent, self.ridge)
