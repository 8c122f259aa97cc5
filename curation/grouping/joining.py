"""Groups from the pairs that belong together."""

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]


def joined(labels: Places, pairs: Places) -> Places:
    """`labels[i]` is the lowest row of i's group; the same after these (n, 2) rows are joined."""
    if not len(pairs):
        return labels
    from scipy.sparse import coo_array  # half a second to load: only where it is used
    from scipy.sparse.csgraph import connected_components

    size = len(labels)
    ends = np.concatenate([labels[pairs], np.stack([np.arange(size), labels], axis=1)])
    graph = coo_array((np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), shape=(size, size))
    parts = connected_components(graph, directed=False)[1]
    return first_of(np.asarray(parts, np.int64))


def first_of(values: Places) -> Places:
    """(n,): the first row that has the same value."""
    _, first, which = np.unique(values, return_index=True, return_inverse=True)
    return np.asarray(first, np.int64)[which]
