"""Near-duplicates among many texts that agree in a band, such as those of one template."""

from collections.abc import Iterable, Iterator, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

LARGEST = 50  # texts that share a rare word pair and are taken together without a look at each
SMALL = 1e-9

Shared = dict[tuple[int, int], list[int]]


def crowd(
    sets: Sequence[NDArray[np.uint32]],
    threshold: float,
    together: bool,
    compared: NDArray[np.uint32] | None = None,
) -> Iterator[tuple[int, ...]]:
    """Groups of places in `sets`: pairs with a Jaccard index >= threshold.

    Two such sets share one of their rarest members, at places from which the rest still can
    reach the threshold (PPJoin, Xiao et al. 2008): so words that all have in common cost nothing.
    Where more than 50 sets share a rare member at the same place, each is compared with the
    first 50, and, if `together`, all are one group. Sets that agree in a column of `compared`,
    shape (sets, columns), are passed over: another crowd held both.
    """
    members, counts = np.unique(np.concatenate(sets), return_counts=True)
    table: dict[int, Shared] = {}
    for place, found in enumerate(sets):
        size = len(found)
        rare = found[np.argsort(counts[np.searchsorted(members, found)], kind="stable")]
        near: set[int] = set()
        for at, member in enumerate(rare[: size - ceil(threshold * size - SMALL) + 1].tolist()):
            shared = table.setdefault(member, {})
            for (other_at, other_size), places in shared.items():
                if reachable(at, size, other_at, other_size, threshold):
                    near.update(places[:LARGEST])
            shared.setdefault((at, size), []).append(place)
        others = np.array(sorted(near), np.int64)
        if compared is not None:
            others = others[~(compared[others] == compared[place]).any(axis=1)]
        for other in others.tolist():
            if alike(found, sets[other], threshold):
                yield other, place
    if together:
        yield from large(table.values(), threshold)


def large(found: Iterable[Shared], threshold: float) -> Iterator[tuple[int, ...]]:
    """Those of which not every two were compared."""
    for shared in found:
        for (at, size), places in shared.items():
            if len(places) > LARGEST and reachable(at, size, at, size, threshold):
                yield tuple(places)


def reachable(at: int, size: int, other_at: int, other_size: int, threshold: float) -> bool:
    """Whether sets that share the members at these places can be alike."""
    most = min(size - at, other_size - other_at)
    return most >= threshold / (1 + threshold) * (size + other_size) - SMALL


def alike(one: NDArray[np.uint32], other: NDArray[np.uint32], threshold: float) -> bool:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared >= threshold * (len(one) + len(other) - shared) - SMALL
