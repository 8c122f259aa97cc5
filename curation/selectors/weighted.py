"""The k pairs with the largest weighted sum of several terms."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from curation.selectors.admission import Admission, Admitting, best_first, id_ranks
from curation.selectors.ground import ground
from curation.selectors.selector import Pool, Selection
from curation.selectors.terms import Normalise, normalised


class Weighted(Admitting):
    """Importance Σ weight · term, each term normalised over the selectable pairs.

    A negative weight wants a term low. Constraints are conditions of `gates` before it. The
    sum is additive, so its top k is the optimum and, where no rule refuses a pair, its own bound.
    """

    version: ClassVar[int] = 1

    kind: Literal["weighted"] = "weighted"
    weights: dict[str, float] = Field(default_factory=lambda: {"margin": 1.0}, min_length=1)
    normalise: Normalise = "minmax"

    def terms(self) -> tuple[str, ...]:
        return tuple(self.weights)

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        admission = Admission(pool, k, self.max_per_prompt, self.distinct)
        points = ground(admission, self.terms(), vectors=False)
        total = np.zeros(len(points))
        for name, column in points.terms.columns.items():
            total += self.weights[name] * normalised(column[points.rows], self.normalise)
        importance = points.spread(total, len(pool))
        order = best_first(importance, id_ranks(pool))
        admission.fill(order)
        objective = float(importance[np.array(admission.order, np.int64)].sum())
        unruled = float(importance[order[: len(admission.order)]].sum())
        return admission.selection(importance, objective, points.degraded, max(unruled, objective))
