"""Fills a budget in order of importance, with a cap per prompt and no pair of texts twice."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from pydantic import Field

from curation.items import Floats, Indices
from curation.selectors.selector import Pool, Selection, Selector

OVER_BUDGET = "over_budget"
SELECTED = "selected"


class Admitting(Selector):
    """A selector that may keep few pairs of a prompt, and no repetition of texts."""

    max_per_prompt: int | None = Field(default=None, ge=1)
    distinct: bool = Field(default=True, description="an unordered pair of texts at most once")


class Admission:
    """Takes or refuses one pair after the other; remembers why."""

    def __init__(self, pool: Pool, k: int, max_per_prompt: int | None, distinct: bool) -> None:
        self.pool = pool
        self.k = max(k, 0)
        self.max_per_prompt = max_per_prompt
        self.distinct = distinct
        self.order: list[int] = []
        self.reasons = [OVER_BUDGET] * len(pool)
        self.taken: Counter[str] = Counter()
        self.seen: set[str] = set()

    @property
    def full(self) -> bool:
        return len(self.order) >= self.k

    def refusal(self, row: int) -> str | None:
        """Why the row may not be taken now, whatever its importance; None where it may."""
        if self.distinct and self.pool.content_ids[row] in self.seen:
            return "duplicate_pair"
        cap = self.max_per_prompt
        if cap is not None and self.taken[self.pool.prompt_ids[row]] >= cap:
            return "prompt_cap"
        return None

    def offer(self, row: int) -> bool:
        """Take the row unless a rule forbids it. Call it only while the budget is not full."""
        refusal = self.refusal(row)
        self.reasons[row] = refusal or SELECTED
        if refusal is None:
            self.order.append(row)
            self.seen.add(self.pool.content_ids[row])
            if self.max_per_prompt is not None:
                self.taken[self.pool.prompt_ids[row]] += 1
        return refusal is None

    def unruled(self, rows: Sequence[int]) -> bool:
        """Whether no rule keeps any of these rows from being taken with all the others."""
        if self.max_per_prompt is not None:
            return False
        contents = {self.pool.content_ids[row] for row in rows} if self.distinct else set[str]()
        return not self.distinct or (len(contents) == len(rows) and self.seen.isdisjoint(contents))

    def take(self, rows: Indices) -> None:
        """All of them, which are `unruled` and no more than the budget has room for."""
        taken: list[int] = rows.tolist()
        for row in taken:
            self.reasons[row] = SELECTED
            self.order.append(row)
            self.seen.add(self.pool.content_ids[row])

    def fill(self, rows: Indices) -> None:
        """Offer the rows in this order until the budget is full."""
        for row in rows.tolist():
            if self.full:
                return
            self.offer(row)

    def selection(
        self,
        importance: Floats,
        objective: float,
        degraded: tuple[str, ...] = (),
        bound: float | None = None,
    ) -> Selection:
        order = np.array(self.order, np.int64)
        return Selection(order, importance, self.reasons, objective, degraded, bound)

    def refuse(self, rows: Indices, reason: str) -> None:
        """Say why rows can't be selected at all."""
        for row in rows.tolist():
            self.reasons[row] = reason


def compatible(admission: Admission, order: Indices) -> Indices:
    """Of these rows those that no rule keeps apart, in their order; the others get their reason."""
    pool = admission.pool
    every = Admission(pool, len(order), admission.max_per_prompt, admission.distinct)
    every.fill(order)
    kept = np.array(every.order, np.int64)
    for row in np.setdiff1d(order, kept).tolist():
        admission.reasons[row] = every.reasons[row]
    return kept


def best_first(importance: Floats, ids: Floats | Indices) -> Indices:
    """Positions of the finite importances, highest first, ties by `ids` (their ranks)."""
    order = np.lexsort((ids, -np.nan_to_num(importance)))
    return order[np.isfinite(importance[order])]


def id_ranks(pool: Pool) -> Indices:
    """The position of each pair in the order of ids: what ties are broken by."""
    ranks = np.empty(len(pool), np.int64)
    ranks[id_order(pool)] = np.arange(len(pool))
    return ranks


def id_order(pool: Pool) -> Indices:
    return np.array(sorted(range(len(pool)), key=pool.ids.__getitem__), np.int64)
