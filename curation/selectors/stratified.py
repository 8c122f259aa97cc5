"""A subset with the classes of its pool: by source, language, length band, topic, or any field."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from curation.selectors.admission import Admission, Admitting, best_first, id_ranks
from curation.selectors.ground import ground
from curation.selectors.selector import Pool, Selection
from curation.selectors.strata import Strata, allotted, fill_seats


class Stratified(Admitting):
    """Each class gets seats in proportion to its pairs (largest remainder), or all the same.

    Within a class the highest of `term`, or a uniform draw by the seed. Seats that a class can't
    fill (caps, duplicates) go to the best of the others. The objective is the sum of the term.
    """

    version: ClassVar[int] = 1

    kind: Literal["stratified"] = "stratified"
    fields: tuple[str, ...] = Field(default=("source",), description="columns that make a class")
    banded: tuple[str, ...] = Field(default=(), description="terms that count as their band")
    bands: int = Field(default=5, ge=2, le=100, description="equal parts by quantiles")
    allocation: Literal["proportional", "equal"] = "proportional"
    term: str | None = None

    def terms(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*([self.term] if self.term else []), *self.banded]))

    def field_names(self) -> tuple[str, ...]:
        return self.fields

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        admission = Admission(pool, k, self.max_per_prompt, self.distinct)
        points = ground(admission, self.terms(), vectors=False)
        worth = np.random.default_rng(seed).random(len(points))
        if self.term:
            worth = points.terms.columns.get(self.term, np.zeros(len(pool)))[points.rows]
        importance = points.spread(worth, len(pool))
        strata = Strata.by(pool, self.fields, self.banded, self.bands)
        limits = np.bincount(strata.of[points.rows], minlength=len(strata.names))
        sizes = limits if self.allocation == "proportional" else (limits > 0).astype(np.int64)
        seats = allotted(sizes, admission.k, limits)
        fill_seats(admission, best_first(importance, id_ranks(pool)), strata.of, seats, None)
        objective = (
            float(importance[np.array(admission.order, np.int64)].sum()) if self.term else 0.0
        )
        degraded = (*points.degraded, *strata.degraded)
        return admission.selection(importance, objective, degraded)
