"""Classes of pairs by any field, and how a budget is shared out among them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats, Indices
from curation.selectors.admission import Admission
from curation.selectors.selector import Pool

SEPARATOR = "|"


class Strata(NamedTuple):
    """`names` of the classes, sorted; `of` (n,): the class of each pair; `degraded`: the fields
    that the pool does not have."""

    names: list[str]
    of: Indices
    degraded: tuple[str, ...]

    @classmethod
    def by(
        cls, pool: Pool, fields: Sequence[str], banded: Sequence[str] = (), bands: int = 5
    ) -> "Strata":
        """Classes "<field>|<field>|…"; a term in `banded` counts as its band, from 0 the lowest."""
        known = [name for name in fields if name in pool.fields]
        columns = [list(pool.fields[name]) for name in known]
        columns += [banded_by(pool.scores[name], bands) for name in banded if name in pool.scores]
        keys = [SEPARATOR.join(parts) for parts in zip(*columns, strict=True)] or [""] * len(pool)
        names = sorted(set(keys))
        place = {name: i for i, name in enumerate(names)}
        degraded = tuple(f"field {name}" for name in fields if name not in pool.fields)
        return cls(names, np.array([place[key] for key in keys], np.int64), degraded)


def banded_by(values: Floats, bands: int) -> list[str]:
    """The band of each value, by quantiles; equal values share a band, missing ones are ""."""
    values = np.asarray(values, np.float64)
    finite = np.isfinite(values)
    if not finite.any():
        return [""] * len(values)
    edges = np.quantile(values[finite], np.arange(1, bands) / bands, method="inverted_cdf")
    found = np.searchsorted(edges, values, side="left")
    return [
        str(band) if known else ""
        for band, known in zip(found.tolist(), finite.tolist(), strict=True)
    ]


def allotted(sizes: Floats | Indices, k: int, limits: Indices) -> Indices:
    """Seats for each class, at most k together: in proportion to `sizes`, whole by the largest
    remainder (of equal ones, the first), never above the class's limit; what a full class leaves
    goes to the others in the same way."""
    seats = np.zeros(len(limits), np.int64)
    weights = np.asarray(sizes, np.float64)
    while True:
        free = (seats < limits) & (weights > 0)
        left = k - int(seats.sum())
        if left <= 0 or not free.any():
            return seats
        shares = np.where(free, weights, 0) / weights[free].sum() * left
        whole = np.floor(shares + 1e-9).astype(np.int64)
        remainder = np.where(free, shares - whole, -1.0).round(9)
        first = np.argsort(-remainder, kind="stable")[: left - int(whole.sum())]
        whole[first] += 1
        seats = np.minimum(seats + whole, limits)


def fill_seats(
    admission: Admission, order: Indices, of: Indices, seats: NDArray[np.int64], full: str | None
) -> None:
    """Offers the rows in this order as long as their class has a seat. `full`: the reason of those
    without one; None: seats that stay empty are filled in the same order, whatever the class."""
    left: list[int] = seats.tolist()
    waiting: list[int] = []
    for row, group in zip(order.tolist(), of[order].tolist(), strict=True):
        if admission.full:
            break
        if left[group] <= 0:
            waiting.append(row)
        elif admission.offer(row):
            left[group] -= 1
    if full is None:
        admission.fill(np.array(waiting, np.int64))
    else:
        admission.refuse(np.array(waiting, np.int64), full)
