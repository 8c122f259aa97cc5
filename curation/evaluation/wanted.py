"""What an evaluation tells besides the subset: other subsets, slices of the test, a curve."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats, Indices, Pairs
from curation.recipes.apply import select
from curation.recipes.recipe import Recipe

SHARES = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)  # of the training pairs, then all of them
LEAST = 8  # training pairs of a point of the curve
ByHead = Mapping[str, NDArray[np.float64]]


class Contender(NamedTuple):
    """Another way to select, on the same splits. `fraction` of the training pairs, 0..1; `given`
    its row-wise terms of all pairs."""

    recipe: Recipe
    fraction: float
    seed: int = 0
    given: Mapping[str, Floats] = {}


@dataclass(frozen=True)
class Wanted:
    """`against`: other subsets by name. `by`: field -> (n,) class of each pair, "" where unknown.
    `curve`: whether random subsets of growing size are trained on, too."""

    against: Mapping[str, Contender] = field(default_factory=dict[str, Contender])
    by: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    curve: bool = False


class More(NamedTuple):
    """Training sets besides those of the subset: of the contenders, then of the curve."""

    names: Sequence[str]
    sets: Sequence[Indices]

    def told(self, right: ByHead, first: int, everything: int) -> dict[str, Any]:
        """Accuracies of these sets, whose columns begin at `first`; `everything`: pairs in all."""
        found: dict[str, Any] = {}
        if self.names:
            found["against"] = {
                name: {
                    "size": len(self.sets[at]),
                    "heads": {head: mean(table[:, first + at]) for head, table in right.items()},
                }
                for at, name in enumerate(self.names)
            }
        points = [1, *range(first + len(self.names), first + len(self.sets))]
        if len(points) > 1:  # column 1 is all pairs: the end of the curve
            points = [*points[1:], points[0]]
            sizes = [len(rows) for rows in self.sets[len(self.names) :]]
            found["curve"] = {
                "sizes": [*sizes, everything],
                "heads": {h: [mean(t[:, at]) for at in points] for h, t in right.items()},
            }
        return found


def more(wanted: Wanted, training: Pairs, rows: Indices, rng: np.random.Generator) -> More:
    """Contenders select from the training pairs alone, whole-dataset signals fitted there. `rows`
    of the training pairs among all."""
    sets: list[Indices] = []
    n = len(training)
    for one in wanted.against.values():
        k = min(max(round(one.fraction * n), 1), n)
        given = {name: column[rows] for name, column in one.given.items()}
        sets.append(select(one.recipe, training, given, k, one.seed).order)
    if wanted.curve:
        sizes = sorted({max(round(share * n), LEAST) for share in SHARES if share * n >= LEAST})
        sets += [rng.choice(n, size, replace=False) for size in sizes]
    return More(list(wanted.against), sets)


def by_slice(right: ByHead, first: int, classes: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Field -> class -> its test pairs, and by head how many were right, as sums over the pairs so
    that splits add up. `first`: columns of the subset, of all pairs, and of the draws."""
    if not classes:
        return {}
    found: dict[str, dict[str, Any]] = {}
    for name, column in classes.items():
        values = np.array(column, np.str_)
        found[name] = {}
        for value in sorted(set(column)):
            rows = np.flatnonzero(values == value)
            heads = {head: sums(table[rows], first) for head, table in right.items()}
            found[name][value] = {"test": len(rows), "heads": heads}
    return {"slices": found}


def sums(right: NDArray[np.float64], first: int) -> dict[str, float]:
    total = right.sum(axis=0)
    drawn = float(total[2:first].mean())
    return {"subset": float(total[0]), "full": float(total[1]), "random": drawn}


def mean(column: NDArray[np.float64]) -> float:
    return float(column.mean())
