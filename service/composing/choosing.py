"""Runs a recipe's selector on a pool for a budget and one seed or several."""

from collections.abc import Sequence
from itertools import combinations
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.items import Indices
from curation.recipes import Budget
from curation.selectors import Pool, Selection, Selector
from curation.selectors.spending import spend

SLACK = 2.0  # a shard puts forward so many times its share


class Chosen(NamedTuple):
    """`used`: tokens of what is kept, where they count. `share` (n,): of the seeds that keep the
    pair, where there are several; `stability` sums them up."""

    selection: Selection
    k: int
    used: int | None
    share: NDArray[np.float64] | None = None
    stability: dict[str, Any] | None = None


def choose(
    selector: Selector, pool: Pool, budget: Budget, seeds: Sequence[int], tokens: Indices | None
) -> Chosen:
    """The selection of the first seed. `tokens` (n,) where the budget is one of tokens."""
    made = [choose_once(selector, pool, budget, seed, tokens) for seed in seeds]
    if len(made) == 1:
        return made[0]
    kept = np.zeros((len(made), len(pool)), np.bool_)
    for row, each in zip(kept, made, strict=True):
        row[each.selection.order] = True
    return made[0]._replace(share=kept.mean(axis=0), stability=stability(kept, seeds))


def share_of(budget: Budget, size: int, total: int) -> Budget:
    """What a shard of `size` of `total` pairs puts forward (`curation.selectors.sharded`)."""
    part = SLACK * size / max(total, 1)
    if budget.token_limit is not None:
        return Budget(tokens=max(1, ceil(budget.token_limit * part)))
    return Budget(pairs=max(1, ceil(budget.count(total) * part)))


def choose_once(
    selector: Selector, pool: Pool, budget: Budget, seed: int, tokens: Indices | None
) -> Chosen:
    limit = budget.token_limit
    if limit is None or tokens is None:
        k = budget.count(len(pool))
        return Chosen(selector.select(pool, k, seed), k, None)
    spent = spend(lambda k: selector.select(pool, k, seed), tokens, limit)
    return Chosen(spent.selection, len(spent.selection.order), spent.used)


def stability(kept: NDArray[np.bool_], seeds: Sequence[int]) -> dict[str, Any]:
    """Of (seeds, n): how alike the selections are; `times` counts pairs by how often each is kept.

    `jaccard`: pairs in both over pairs in either, the mean over all two seeds, 1 where they are
    the same.
    """
    often = kept.sum(axis=0)
    alike = [
        float((a & b).sum() / max((a | b).sum(), 1)) if (a | b).any() else 1.0
        for a, b in combinations(kept, 2)
    ]
    counts = np.bincount(often, minlength=len(seeds) + 1)
    return {
        "seeds": [*seeds],
        "jaccard": round(float(np.mean(alike)), 6),
        "always": int(counts[-1]),
        "ever": int((often > 0).sum()),
        "times": {str(times): int(count) for times, count in enumerate(counts) if times and count},
    }
