"""Pairs drawn by how much they add to the entropy of their component of the pool."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.items import View
from curation.selectors.admission import Admission, best_first, id_ranks
from curation.selectors.entropy_change import entropy_change
from curation.selectors.ground import Ground, OverVectors, ground
from curation.selectors.selector import Pool, Selection

GATE = "gate:quality"


class IsaSampler(OverVectors):
    """Draws without replacement by entropy change, after a quality gate (L03 over D01).

    Principal components, a Gaussian mixture, ΔH of each pair within its component, standardised
    there; log weight = ΔH / temperature, drawn by Gumbel top-k. ΔH alone favours outliers, so the
    lowest `drop_lowest` share by the term `quality` goes first, and it is a draw, not a top k.
    The method's formula is not published in full: this form is derived. Importance: the perturbed
    log weight; objective: the sum of ΔH in nats.
    """

    version: ClassVar[int] = 1

    kind: Literal["isa_sampler"] = "isa_sampler"
    quality: str = Field(default="quality", min_length=1)
    drop_lowest: float = Field(default=0.0, ge=0, lt=1, description="share of the pool")
    dimensions: int = Field(default=64, ge=1, le=1024)
    components: int = Field(default=2, ge=1, le=20)
    temperature: float = Field(default=1.0, gt=0, le=100)
    view: View = View.prompt_chosen

    def terms(self) -> tuple[str, ...]:
        return (self.quality,) if self.drop_lowest > 0 else ()

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        admission = Admission(pool, k, self.max_per_prompt, self.distinct)
        points = ground(admission, self.terms())
        passed = self.passed(points)
        admission.refuse(points.rows[~passed], GATE)
        changes, weights = self.changes(points.vectors[passed], seed)
        drawn = weights + np.random.default_rng(seed).gumbel(size=len(points))[passed]
        rows = points.rows[passed]
        importance, change = np.full(len(pool), np.nan), np.zeros(len(pool))
        importance[rows], change[rows] = drawn, changes
        admission.fill(best_first(importance, id_ranks(pool)))
        objective = float(change[np.array(admission.order, np.int64)].sum())
        return admission.selection(importance, objective, points.degraded)

    def passed(self, points: Ground) -> NDArray[np.bool_]:
        """All but the lowest share by quality; a tie at the edge passes."""
        if not self.drop_lowest or not points.worth.shape[1] or not len(points):
            return np.ones(len(points), np.bool_)
        quality = points.worth[:, 0]
        return quality >= np.quantile(quality, self.drop_lowest, method="higher")

    def changes(
        self, vectors: NDArray[np.float32], seed: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """ΔH in nats and the log weight of each point."""
        from curation.models.mixture import components, principal  # loads scikit-learn

        places = principal(vectors, self.dimensions)
        of = components(places, self.components, seed)
        changes, weights = np.zeros(len(vectors)), np.zeros(len(vectors))
        for component in np.unique(of):
            members = of == component
            changes[members] = found = entropy_change(places[members])
            spread = float(found.std())
            if spread > 1e-12:
                weights[members] = (found - found.mean()) / spread / self.temperature
        return changes, weights
