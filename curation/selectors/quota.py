"""The best pairs, but of no class more than its share."""

import math
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from curation.selectors.admission import Admission, Admitting, best_first, id_ranks
from curation.selectors.ground import ground
from curation.selectors.selector import Pool, Selection
from curation.selectors.strata import Strata, fill_seats

FULL = "quota_full"


class Quota(Admitting):
    """Of each class at most ⌈share · k⌉ pairs, the highest of `term` first. Shares are limits: a
    class that has fewer pairs leaves its seats empty unless the others' shares cover them."""

    version: ClassVar[int] = 1

    kind: Literal["quota"] = "quota"
    fields: tuple[str, ...] = Field(default=("source",), description="columns that make a class")
    shares: dict[str, float] = Field(
        default_factory=dict[str, float],
        description="largest share of the budget by class: `a`, with two fields `a|b`",
    )
    others: float = Field(default=1.0, ge=0, le=1, description="for each class not named")
    term: str = "margin"

    def terms(self) -> tuple[str, ...]:
        return (self.term,)

    def field_names(self) -> tuple[str, ...]:
        return self.fields

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        admission = Admission(pool, k, self.max_per_prompt, self.distinct)
        points = ground(admission, self.terms(), vectors=False)
        worth = points.terms.columns.get(self.term, np.zeros(len(pool)))[points.rows]
        importance = points.spread(worth, len(pool))
        strata = Strata.by(pool, self.fields)
        shares = [self.shares.get(name, self.others) for name in strata.names]
        seats = np.array([math.ceil(share * admission.k - 1e-9) for share in shares], np.int64)
        fill_seats(admission, best_first(importance, id_ranks(pool)), strata.of, seats, FULL)
        objective = float(importance[np.array(admission.order, np.int64)].sum())
        return admission.selection(importance, objective, (*points.degraded, *strata.degraded))
