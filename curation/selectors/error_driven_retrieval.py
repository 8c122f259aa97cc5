"""Unverified pairs that resemble the verified ones on which a scorer errs."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from curation.items import View
from curation.review.retrieval import K_MAX, retrieve
from curation.selectors.admission import Admission
from curation.selectors.ground import OverVectors, ground
from curation.selectors.selector import Pool, Selection

VERIFIED = "verified"
FAR = "not_near_an_error"


class ErrorDrivenRetrieval(OverVectors):
    """L05: each verified pair fetches the unverified ones nearest to it, the more the less the
    scorer is right about it: k_max where P(verified side) ≤ ½, else ⌈k_max (1 − P)⌉.

    Skywork-Reward-V2, arXiv:2507.01352. `verified` is 1 for pairs with a verified label and 0 for
    the others; `p_correct` is read on the verified ones. A pool without that distinction is taken
    by id and says so. Importance: the cosine to the nearest error that fetched it, −1 where none.
    """

    version: ClassVar[int] = 1

    kind: Literal["error_driven_retrieval"] = "error_driven_retrieval"
    verified: str | None = Field(default=None, description="term, 1 where the label is verified")
    p_correct: str | None = Field(default=None, description="term: P(the label is right)")
    k_max: int = Field(default=K_MAX, ge=1, le=1000)
    view: View = View.prompt_chosen

    def terms(self) -> tuple[str, ...]:
        return tuple(name for name in (self.verified, self.p_correct) if name)

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        admission = Admission(pool, k, self.max_per_prompt, self.distinct)
        points = ground(admission, (self.verified,) if self.verified else ())
        empty = np.full(len(pool), np.nan)
        p = np.asarray(pool.scores.get(self.p_correct or "", empty), np.float64)[points.rows]
        known = np.zeros(len(points), np.bool_)
        if points.worth.shape[1]:
            known = points.worth[:, 0] >= 0.5
        queries = known & (p >= 0) & (p <= 1)
        importance = points.spread(np.full(len(points), -1.0), len(pool))
        degraded = points.degraded
        if not queries.any():
            lacking = (name for name in self.terms() if name not in degraded)
            degraded = (*degraded, *lacking) if known.sum() < len(points) else degraded
            admission.fill(points.rows)
            return admission.selection(importance, 0.0, degraded)
        rest = points.rows[~known]
        others = pool.take(rest).ids
        found = retrieve(
            points.vectors[queries], p[queries], points.vectors[~known], others, self.k_max
        )
        importance[rest[found.rows]] = found.similarity
        importance[points.rows[known]] = np.nan
        admission.refuse(points.rows[known], VERIFIED)
        admission.fill(rest[found.rows])
        admission.refuse(np.setdiff1d(rest, rest[found.rows]), FAR)
        objective = float(importance[np.array(admission.order, np.int64)].sum())
        return admission.selection(importance, objective, degraded)
