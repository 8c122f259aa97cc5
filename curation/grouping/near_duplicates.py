"""Prompts that say nearly the same: fingerprints name the candidates, their words decide."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from curation.grouping.crowds import crowd
from curation.grouping.fingerprints import (
    Prints,
    Shingles,
    agreeing,
    numbers,
    of_texts,
    shingles,
)

THRESHOLD = 0.8  # Jaccard index of the sets of word pairs, 0..1, higher = more alike
CROWD = 200  # texts that agree in a band, and of which no longer each pair is looked at
BLOCK = 5_000  # candidates whose texts are read together

Texts: TypeAlias = Callable[[Sequence[int]], Sequence[str]]
Pairs: TypeAlias = NDArray[np.int64]  # shape (pairs, 2)


def jaccard(one: Shingles, other: Shingles) -> float:
    """Shared of all, 0..1; 0 where neither holds a word."""
    shared = len(one & other)
    return shared / ((len(one) + len(other) - shared) or 1)


def near_duplicates(
    texts: Sequence[str], threshold: float = THRESHOLD, crowds: bool = True
) -> Iterator[tuple[int, ...]]:
    """`alike` for texts that are at hand."""
    return alike(of_texts(texts), lambda wanted: [texts[i] for i in wanted], threshold, crowds)


def alike(
    prints: Prints, texts: Texts, threshold: float = THRESHOLD, crowds: bool = True
) -> Iterator[tuple[int, ...]]:
    """Groups of indices that belong together: equal word pairs, and a Jaccard index >= threshold.

    `texts` gives those of some indices; only candidates are asked for, 5,000 at a time. A text
    without a word is like no other. `crowds`: see `crowds.crowd`; without, only what is alike.
    """
    worded = np.flatnonzero(prints["words"])
    repeated = np.zeros(len(prints), bool)
    for group in agreeing(prints["words"], worded):
        repeated[group[1:]] = True
        yield tuple(group.tolist())
    first = worded[~repeated[worded]]
    for pairs in blocks(candidates(prints["bands"], first)):
        wanted = np.unique(pairs)
        found = dict(zip(wanted.tolist(), map(shingles, texts(wanted.tolist())), strict=True))
        for one, other in pairs.tolist():
            if jaccard(found[one], found[other]) >= threshold:
                yield one, other
    yield from of_crowds(prints["bands"], first, texts, threshold, crowds)


def candidates(bands: NDArray[np.uint32], first: NDArray[np.int64]) -> Iterator[Pairs]:
    """Each pair once that agrees in a band of few."""
    for band in range(bands.shape[1]):
        for bucket in agreeing(bands[:, band], first):
            if len(bucket) > CROWD:
                continue
            one, other = (bucket[place] for place in np.triu_indices(len(bucket), 1))
            before = (bands[one, :band] == bands[other, :band]).any(axis=1)
            yield np.stack([one, other], axis=1)[~before]


def blocks(found: Iterable[Pairs]) -> Iterator[Pairs]:
    """The same pairs, about as many together as BLOCK."""
    waiting: list[Pairs] = []
    count = 0
    for pairs in found:
        waiting.append(pairs)
        count += len(pairs)
        if count >= BLOCK:
            yield np.concatenate(waiting)
            waiting, count = [], 0
    if count:
        yield np.concatenate(waiting)


def of_crowds(
    bands: NDArray[np.uint32],
    first: NDArray[np.int64],
    texts: Texts,
    threshold: float,
    together: bool,
) -> Iterator[tuple[int, ...]]:
    """Memory is 4 bytes a word pair of the crowd at hand."""
    for band in range(bands.shape[1]):
        for bucket in agreeing(bands[:, band], first):
            if len(bucket) <= CROWD:
                continue
            sets: list[NDArray[np.uint32]] = []
            for start in range(0, len(bucket), BLOCK):
                sets += map(numbers, texts(bucket[start : start + BLOCK].tolist()))
            for group in crowd(sets, threshold, together, bands[bucket, :band]):
                yield tuple(bucket[list(group)].tolist())
