"""Few pairs that are clearly right, well asked and unlike each other (FiFA)."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.items import Floats
from curation.selectors.admission import Admission, best_first, id_order, id_ranks
from curation.selectors.selector import Pool, Selection, Selector
from curation.selectors.terms import Normalise, Terms, normalised, present

EPSILON = 1e-6
BLOCK = 16_384  # rows whose differences to a selected vector are held together


class Fifa(Selector):
    """The k pairs with the largest f = m̂ + alpha q̂ + gamma log d (arXiv:2410.10166).

    m̂, q̂: reward margin and prompt quality of the selectable pairs, normalised; log d, in nats:
    how far the prompt is from its k-th nearest neighbour. `relaxed` measures d on the whole dataset
    (term `novelty`), so that f is additive and its top k exact. `greedy` measures d to what is
    already selected and needs the prompts' vectors: O(n k d) time, O(n) memory beside them.
    `margin: signed` prefers labels that the proxy reward model agrees with; `abs`, the paper-style
    form, also takes confidently mislabelled pairs. Gaps are not filled: a pair that lacks a term
    cannot be selected; a term that nothing has is left out.
    """

    version: ClassVar[int] = 1

    kind: Literal["fifa"] = "fifa"
    margin: Literal["signed", "abs"] = "signed"
    alpha: float = Field(default=0.5, ge=0, allow_inf_nan=False, description="weight of quality")
    gamma: float = Field(default=0.5, ge=0, allow_inf_nan=False, description="weight of novelty")
    normalise: Normalise = "minmax"
    mode: Literal["relaxed", "greedy"] = "relaxed"
    max_per_prompt: int | None = Field(default=2, ge=1)
    distinct: bool = Field(default=True, description="an unordered pair of texts at most once")

    def terms(self) -> tuple[str, ...]:
        weights = {"margin": 1.0, "quality": self.alpha}
        if self.mode == "relaxed":
            weights["novelty"] = self.gamma
        return tuple(name for name, weight in weights.items() if weight > 0)

    def needs_vectors(self) -> bool:
        return self.mode == "greedy" and self.gamma > 0

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        terms = present(pool, self.terms())
        importance = self.importance(terms)
        admission = Admission(pool, k, self.max_per_prompt, self.distinct)
        degraded = terms.degraded
        if self.needs_vectors() and pool.vectors is None:
            degraded = (*degraded, "novelty")
        for row, name in enumerate(terms.missing):
            if name:
                admission.reasons[row] = f"missing:{name}"
        if self.needs_vectors() and pool.vectors is not None:
            objective = self.spread(admission, importance, pool.vectors)
        else:
            admission.fill(best_first(importance, id_ranks(pool)))
            objective = float(importance[np.array(admission.order, np.int64)].sum())
        return admission.selection(importance, objective, degraded)

    def importance(self, terms: Terms) -> NDArray[np.float64]:
        """f of each pair (n,), without log d where that depends on the selection; NaN: missing."""
        rows = np.flatnonzero(terms.selectable)
        values = {name: column[rows] for name, column in terms.columns.items()}
        f = np.zeros(len(rows))
        if "margin" in values:
            margin = values["margin"] if self.margin == "signed" else np.abs(values["margin"])
            f += normalised(margin, self.normalise)
        if "quality" in values:
            f += self.alpha * normalised(values["quality"], self.normalise)
        if "novelty" in values:
            f += self.gamma * values["novelty"]
        importance = np.full(len(terms.missing), np.nan)
        importance[rows] = f
        return importance

    def spread(self, admission: Admission, importance: Floats, vectors: Floats) -> float:
        """Adds the pair with the largest gain until the budget is full; the sum of the gains.

        Works in the order of ids: `argmax` then breaks ties by id, and rounding is the same
        whatever the order of the rows.
        """
        order = id_order(admission.pool)
        order = order[np.isfinite(importance[order])]
        places = np.asarray(vectors, np.float64 if len(order) < BLOCK else np.float32)[order]
        own = importance[order].astype(np.float64)
        nearest = np.full(len(order), np.inf)
        open_rows = np.ones(len(order), np.bool_)
        total = 0.0
        while not admission.full and open_rows.any():
            novelty = np.log(nearest + EPSILON) if admission.order else np.zeros(len(order))
            gain = np.where(open_rows, own + self.gamma * novelty, -np.inf)
            best = int(gain.argmax())
            open_rows[best] = False
            if admission.offer(int(order[best])):
                total += float(gain[best])
                np.minimum(nearest, distances(places, best), out=nearest)
        return total


def distances(places: Floats, row: int) -> NDArray[np.float64]:
    """Euclidean, from one row to all, (n,)."""
    found = np.empty(len(places))
    for i in range(0, len(places), BLOCK):
        part = places[i : i + BLOCK] - places[row]
        found[i : i + BLOCK] = np.sqrt(np.einsum("ij,ij->i", part, part))
    return found
