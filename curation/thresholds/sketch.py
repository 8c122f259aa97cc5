"""A mergeable sketch of the rows by one or two fields: what each bin holds, and between what ends.

It answers every threshold at once. Where a threshold falls between the smallest and the largest
value of a bin, that bin's rows are taken to lie evenly between them: the count of kept rows is off
by less than the rows of that bin. Everywhere else it is exact. A quantile sketch as KLL (arXiv
1603.05346) has counts without an order to sum other quantities in, so it doesn't serve here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats
from curation.thresholds.binning import bins_of

ROWS = "rows"  # the first quantity: 1 a row


class Ends(NamedTuple):
    """Of one field: lower ends of its bins, and the smallest and largest value that each holds."""

    edges: NDArray[np.float64]
    lows: NDArray[np.float64]
    highs: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sketch:
    """`sums` (bins of each field …, q): each quantity by bin; `missing` (q,) of the rows that lack
    a value of a field, which no threshold keeps. `names` (q,) of the quantities, rows first."""

    fields: tuple[str, ...]
    ends: tuple[Ends, ...]
    names: tuple[str, ...]
    sums: NDArray[np.float64]
    missing: NDArray[np.float64]

    @classmethod
    def empty(cls, fields: Sequence[str], edges: Sequence[Floats], names: Sequence[str]) -> Self:
        """Of no rows."""
        assert names[0] == ROWS
        ends = tuple(
            Ends(np.asarray(one, np.float64), np.full(len(one), np.inf), np.full(len(one), -np.inf))
            for one in edges
        )
        shape = (*map(len, edges), len(names))
        return cls(tuple(fields), ends, tuple(names), np.zeros(shape), np.zeros(len(names)))

    def add(self, values: Sequence[Floats], quantities: Floats) -> None:
        """Rows: a column of values a field, NaN where missing, and (n, q) quantities."""
        lacking = np.isnan(np.stack(values)).any(axis=0)
        self.missing[:] += quantities[lacking].sum(axis=0)
        kept = ~lacking
        if not kept.any() or self.sums.size == 0:
            return
        places = np.zeros(int(kept.sum()), np.int64)
        for column, ends in zip(values, self.ends, strict=True):
            own = column[kept]
            bins = bins_of(own, ends.edges)
            np.minimum.at(ends.lows, bins, own)
            np.maximum.at(ends.highs, bins, own)
            places = places * len(ends.edges) + bins
        table = self.sums.reshape(-1, len(self.names))
        for at in range(len(self.names)):
            weights = quantities[kept, at]
            table[:, at] += np.bincount(places, weights, minlength=len(table))

    def __add__(self, other: "Sketch") -> "Sketch":
        """Of the rows of both. ValueError where the bins or quantities are others."""
        alike = (self.fields, self.names) == (other.fields, other.names) and all(
            np.array_equal(mine.edges, its.edges)
            for mine, its in zip(self.ends, other.ends, strict=False)
        )
        if not alike:
            raise ValueError("sketches can be added where their fields, bins and quantities agree")
        ends = tuple(
            Ends(mine.edges, np.minimum(mine.lows, its.lows), np.maximum(mine.highs, its.highs))
            for mine, its in zip(self.ends, other.ends, strict=True)
        )
        sums, missing = self.sums + other.sums, self.missing + other.missing
        return Sketch(self.fields, ends, self.names, sums, missing)

    @property
    def total(self) -> NDArray[np.float64]:
        """(q,) of all rows."""
        return self.sums.reshape(-1, len(self.names)).sum(axis=0) + self.missing

    def rows(self, field: int) -> NDArray[np.float64]:
        """(bins,) of one field."""
        others = tuple(axis for axis in range(len(self.ends)) if axis != field)
        return self.sums[..., 0].sum(axis=others)

    @property
    def bound(self) -> int:
        """Rows by which a count can be off, at any thresholds."""
        found = 0
        for field, ends in enumerate(self.ends):
            cut = self.rows(field)[ends.lows < ends.highs]
            found += int(cut.max()) if len(cut) else 0
        return found
