"""Columns of a pool as terms of a sum: what is missing, what nothing has, one scale for all."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats
from curation.selectors.selector import Pool

Normalise: TypeAlias = Literal["minmax", "rank", "none"]


class Terms(NamedTuple):
    """`columns` by name, float64, NaN where missing; `degraded` names the terms nothing has.

    `missing[i]` is the first term that pair i lacks, or "" where it can be selected.
    """

    columns: dict[str, NDArray[np.float64]]
    degraded: tuple[str, ...]
    missing: list[str]

    @property
    def selectable(self) -> NDArray[np.bool_]:
        return np.array([not name for name in self.missing], np.bool_)


def present(pool: Pool, names: Sequence[str]) -> Terms:
    """The named terms that at least one pair has; a value that is not finite counts as missing."""
    empty = np.full(len(pool), np.nan)
    found = {name: np.asarray(pool.scores.get(name, empty), np.float64) for name in names}
    degraded = tuple(name for name in names if not np.isfinite(found[name]).any())
    columns = {name: found[name] for name in names if name not in degraded}
    missing = [""] * len(pool)
    for name in reversed(columns):
        for row in np.flatnonzero(~np.isfinite(columns[name])).tolist():
            missing[row] = name
    return Terms(columns, degraded, missing)


def normalised(values: Floats, how: Normalise) -> NDArray[np.float64]:
    """To [0, 1]: by the range, or by the average rank. Equal values: 0 by range, ½ by rank."""
    values = np.asarray(values, np.float64)
    if how == "none" or len(values) == 0:
        return values
    if how == "rank":
        if len(values) == 1:
            return np.full(1, 0.5)
        from scipy.stats import rankdata  # a second to load: only where it is used

        return (rankdata(values) - 1) / (len(values) - 1)
    low, high = values.min(), values.max()
    with np.errstate(over="ignore"):
        span = high - low
    if not np.isfinite(span):  # values at both ends of float64
        return normalised(values / 4, how)
    return (values - low) / span if span > 0 else np.zeros(len(values))
