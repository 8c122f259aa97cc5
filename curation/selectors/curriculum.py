"""Pairs from easy to hard, evenly over what is between."""

from collections import Counter
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from curation.items import Indices
from curation.selectors.admission import Admission, Admitting, best_first, compatible, id_ranks
from curation.selectors.ground import ground
from curation.selectors.selector import Pool, Selection

OUTSIDE = "outside_band"


class Curriculum(Admitting):
    """k pairs spread evenly over the ranks of `ease`, in the order of training: easiest first.

    `across: prompt` trains first on the easiest pair of every prompt, then on the second easiest,
    and so on, as Curry-DPO does with rating gaps (arXiv:2403.07230); the reference model of a stage
    is the model of the one before. `hardest` and `easiest` leave out shares at both ends: what is
    too hard is often mislabelled, what is too easy teaches little. Importance: the ease.
    """

    version: ClassVar[int] = 1

    kind: Literal["curriculum"] = "curriculum"
    ease: str = Field(default="margin", min_length=1, description="term, high = easy")
    across: Literal["pool", "prompt"] = "pool"
    easiest: float = Field(default=0.0, ge=0, lt=1, description="share left out")
    hardest: float = Field(default=0.0, ge=0, lt=1, description="share left out")

    @model_validator(mode="after")
    def leaves_something(self) -> "Curriculum":
        if self.easiest + self.hardest >= 1:
            raise ValueError("the shares left out leave nothing")
        return self

    def terms(self) -> tuple[str, ...]:
        return (self.ease,)

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        admission = Admission(pool, k, self.max_per_prompt, self.distinct)
        points = ground(admission, self.terms(), vectors=False)
        ease = points.worth[:, 0] if points.worth.shape[1] else np.zeros(len(points))
        importance = points.spread(ease, len(pool))
        order = compatible(admission, best_first(importance, id_ranks(pool)))
        first, last = int(self.easiest * len(order)), int((1 - self.hardest) * len(order) + 1e-9)
        admission.refuse(np.concatenate([order[:first], order[last:]]), OUTSIDE)
        order = order[first:last]
        count = min(max(admission.k, 0), len(order))
        even = (np.arange(count) + 0.5) * len(order) / max(count, 1)
        admission.fill(self.staged(pool, order[even.astype(np.int64)]))
        objective = float(importance[np.array(admission.order, np.int64)].sum())
        return admission.selection(importance, objective, points.degraded)

    def staged(self, pool: Pool, order: Indices) -> Indices:
        """In the order of training: as they are, or the first of every prompt before any second."""
        if self.across == "pool":
            return order
        seen: Counter[str] = Counter()
        places: list[int] = []
        rows: list[int] = order.tolist()
        for prompt in (pool.prompt_ids[row] for row in rows):
            places.append(seen[prompt])
            seen[prompt] += 1
        return order[np.argsort(np.array(places, np.int64), kind="stable")]
