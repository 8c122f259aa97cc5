"""Contexts that a good explanation makes clear, in the proportions of their strata."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from curation.items import Indices
from curation.selectors.admission import Admission, best_first, id_ranks
from curation.selectors.ground import Ground, ground
from curation.selectors.selector import Pool, Selection, Selector
from curation.selectors.strata import Strata, fill_seats

CONTEXT = "same_context"
GATE = "gate:reproduced"


class UncertaintyGapStratified(Selector):
    """L04: one pair a context, the contexts with the largest gap, ⌈size / total · k⌉ a stratum.

    `gap`: Δ_EU, expected entropy under a weak model's rationales less that under a strong one's
    (S12). Contexts are prompts; of a context's pairs the one with the lowest `entropy` stays. Pairs
    whose rationale does not reproduce the behaviour (`reproduced` < ½) go first. `entropy` and
    `reproduced` are left out where missing.
    """

    version: ClassVar[int] = 1

    kind: Literal["uncertainty_gap_stratified"] = "uncertainty_gap_stratified"
    gap: str = "margin"
    entropy: str | None = None
    reproduced: str | None = None
    fields: tuple[str, ...] = ("source",)

    def terms(self) -> tuple[str, ...]:
        named = (self.gap, self.entropy, self.reproduced)
        return tuple(dict.fromkeys(name for name in named if name))

    def field_names(self) -> tuple[str, ...]:
        return self.fields

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        admission = Admission(pool, k, 1, distinct=True)
        points = ground(admission, self.terms(), vectors=False)
        importance = points.spread(self.column(points, self.gap), len(pool))
        contexts = self.contexts(pool, points, admission)
        importance[[reason == GATE for reason in admission.reasons]] = np.nan
        strata = Strata.by(pool, self.fields)
        sizes = np.bincount(strata.of[contexts], minlength=len(strata.names))
        total = max(int(sizes.sum()), 1)
        seats = -(-sizes * admission.k // total)
        order = best_first(importance, id_ranks(pool))
        order = order[np.isin(order, contexts)]
        fill_seats(admission, order, strata.of, seats, None)
        objective = float(importance[np.array(admission.order, np.int64)].sum())
        return admission.selection(importance, objective, (*points.degraded, *strata.degraded))

    def column(self, points: Ground, name: str | None) -> NDArray[np.float64]:
        if name is None or name not in points.terms.columns:
            return np.zeros(len(points))
        return points.terms.columns[name][points.rows]

    def contexts(self, pool: Pool, points: Ground, admission: Admission) -> Indices:
        """One row a prompt, that of the lowest entropy; the others get their reason."""
        good = np.ones(len(points), np.bool_)
        if self.reproduced in points.terms.columns:
            good = self.column(points, self.reproduced) >= 0.5
            admission.refuse(points.rows[~good], GATE)
        rows, entropy = points.rows[good], self.column(points, self.entropy)[good]
        first: dict[str, int] = {}
        ordered: list[int] = rows[np.argsort(entropy, kind="stable")].tolist()
        for row in ordered:
            prompt = pool.prompt_ids[row]
            if first.setdefault(prompt, row) != row:
                admission.reasons[row] = CONTEXT
        return np.array(list(first.values()), np.int64)
