"""How much of a pool a subset of it covers: its topics, and the neighbourhoods of its prompts."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats

BLOCK = 1024

Rows = NDArray[np.int64]
Flags = NDArray[np.bool_]


class TopicCount(NamedTuple):
    """Items of one topic. `expected`: of a random subset of the same size."""

    topic: int
    pool: int
    kept: int
    expected: float


class Spread(NamedTuple):
    """`covered` of all topics have one item at least; `shift`: total variation distance between the
    topics of the subset and of the pool, 0 the same shares … 1 no topic in common."""

    topics: list[TopicCount]
    covered: int
    shift: float


def spread(topics: Rows, kept: Flags) -> Spread:
    """`topics` (n,) of the pool's items, −1 unknown: those are left out."""
    known = topics >= 0
    size = int(topics.max(initial=-1)) + 1
    pool = np.bincount(topics[known], minlength=size)
    chosen = np.bincount(topics[known & kept], minlength=size)
    share = chosen.sum() / max(pool.sum(), 1)
    counts = [
        TopicCount(topic, int(n), int(m), float(n * share))
        for topic, (n, m) in enumerate(zip(pool.tolist(), chosen.tolist(), strict=True))
    ]
    apart = np.abs(pool / max(pool.sum(), 1) - chosen / max(chosen.sum(), 1)).sum() / 2
    return Spread(counts, int((chosen > 0).sum()), float(apart) if chosen.sum() else 1.0)


def neighbourhoods(vectors: Floats, kept: Flags, k: int = 5) -> float:
    """The share of the pool's vectors that are kept, or have a kept one no farther away than their
    k-th nearest other vector: 0 … 1, high = all have a likeness in the subset (the coverage of
    Naeem et al. 2020, arXiv:2002.09797, of a pool). Unit vectors; NaN where there are none."""
    n = len(vectors)
    if n < 2:
        return float("nan")
    table = np.asarray(vectors, np.float32)
    k = min(k, n - 1)
    covered = 0
    for start in range(0, n, BLOCK):
        near = table[start : start + BLOCK] @ table.T
        near[np.arange(len(near)), np.arange(start, start + len(near))] = 3.0  # itself
        radius = -np.partition(-near, k, axis=1)[:, k]
        best = near[:, kept].max(axis=1, initial=-3.0)
        covered += int((best >= radius - 1e-6).sum())
    return covered / n
