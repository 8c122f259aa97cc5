"""The k pairs with the highest, or lowest, value of one score."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from curation.selectors.admission import Admission, best_first, id_ranks
from curation.selectors.selector import Pool, Selection, Selector
from curation.selectors.terms import present


class Top(Selector):
    """Importance is the term itself, its negative where the lowest come first."""

    version: ClassVar[int] = 1

    kind: Literal["top"] = "top"
    term: str = Field(default="margin", min_length=1)
    first: Literal["highest", "lowest"] = "highest"
    max_per_prompt: int | None = Field(default=None, ge=1)
    distinct: bool = Field(default=True, description="an unordered pair of texts at most once")

    def terms(self) -> tuple[str, ...]:
        return (self.term,)

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        terms = present(pool, self.terms())
        values = terms.columns.get(self.term, np.zeros(len(pool)))
        finite = np.where(terms.selectable, values, np.nan)
        importance = finite if self.first == "highest" else -finite
        admission = Admission(pool, k, self.max_per_prompt, self.distinct)
        for row, name in enumerate(terms.missing):
            if name:
                admission.reasons[row] = f"missing:{name}"
        admission.fill(best_first(importance, id_ranks(pool)))
        objective = float(importance[np.array(admission.order, np.int64)].sum())
        return admission.selection(importance, objective, terms.degraded)
