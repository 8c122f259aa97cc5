"""Cuts the values of a field into bins of equal mass, and finds the bin of each value."""

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats, Indices

BINS = 1024  # of one field
GRID_BINS = 128  # of each of two fields


def equal_mass(values: Floats, bins: int) -> NDArray[np.float64]:
    """(k,) ascending lower ends of bins, k at most 2 · bins + 1; NaN among the values is left out.

    A bin holds at most n / bins of the values, or one value alone, however often it occurs: a
    threshold never cuts through equal values, so that only the former can be wrong about it.
    """
    known = values[~np.isnan(values)]
    distinct, counts = np.unique(known, return_counts=True)
    until = np.concatenate([[0], np.cumsum(counts)])  # values below the i-th distinct one
    most = max(len(known) // bins, 1)
    starts: list[int] = []
    at = 0
    while at < len(distinct):
        starts.append(at)
        fits = int(np.searchsorted(until, until[at] + most, side="right")) - 1
        at = max(fits, at + 1)
    return distinct[starts].astype(np.float64)


def bins_of(values: Floats, edges: Floats) -> Indices:
    """(n,) the bin of each value; what lies below all edges goes to the first."""
    found = np.searchsorted(edges, values, side="right") - 1
    return np.maximum(found, 0).astype(np.int64)
