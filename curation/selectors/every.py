"""Keeps every pair: for recipes that only add columns."""

from typing import ClassVar, Literal

import numpy as np

from curation.selectors.admission import OVER_BUDGET, SELECTED, id_order
from curation.selectors.selector import Pool, Selection, Selector


class Every(Selector):
    """The pairs by id, repetitions too, as many as the budget allows: give it 100 %.

    Objective: how many are kept; no selection of this size has a higher one.
    """

    version: ClassVar[int] = 1

    kind: Literal["every"] = "every"

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        order = id_order(pool)[: max(k, 0)]
        reasons = [OVER_BUDGET] * len(pool)
        for row in order.tolist():
            reasons[row] = SELECTED
        kept = float(len(order))
        return Selection(order, np.zeros(len(pool)), reasons, kept, bound=kept)
