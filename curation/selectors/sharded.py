"""A selection in two stages, for more pairs than one worker holds: each shard's best, then the best
of those.

GreeDi (Mirzasoleiman et al., arXiv:1411.0541) lets each of m shards select all k, for a bound of
the objective; that leaves m·k candidates. Here a shard selects `slack` times its share of k, so
that the second stage holds slack·k pairs however many shards there are.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from curation.items import Indices
from curation.selectors.selector import Pool, Selection, Selector


class Sharded(NamedTuple):
    """`ids` kept, best first. `candidates`: how many the shards put forward. `full_shards` gave all
    that they had been asked for and had more: only there can a better pair have been left."""

    ids: list[str]
    last: Selection
    candidates: int
    full_shards: int


def shard_of(prompt_id: str, shards: int) -> int:
    """All pairs of a prompt lie in one shard: caps per prompt and repeated pairs stay local."""
    return int.from_bytes(hashlib.sha256(prompt_id.encode()).digest()[:8], "big") % shards


def share(k: int, size: int, total: int, slack: float) -> int:
    """How many pairs a shard of this size puts forward."""
    return min(size, int(np.ceil(slack * k * size / max(total, 1))))


def select_sharded(
    selector: Selector,
    sizes: Sequence[int],
    load: Callable[[int], Pool],
    k: int,
    seed: int = 0,
    slack: float = 2.0,
) -> Sharded:
    """`load(i)` is called once a shard, so that one is in memory at a time, with what the others
    put forward. Only for selectors whose importance does not depend on the shard: the objective of
    a whole-pool normalisation would be another one in each."""
    total = sum(sizes)
    parts: list[Pool] = []
    full = 0
    for number, size in enumerate(sizes):
        pool = load(number)
        wanted = share(k, size, total, slack)
        put = selector.select(pool, wanted, seed).order
        full += len(put) == wanted < size
        parts.append(pool.take(np.sort(put)))
    union = joined(parts)
    last = selector.select(union, k, seed)
    kept: list[int] = last.order.tolist()
    return Sharded([union.ids[row] for row in kept], last, len(union), full)


def joined(pools: Iterable[Pool]) -> Pool:
    """One after the other."""
    parts = [pool for pool in pools if len(pool)]
    if not parts:
        return Pool([], [], [], {})
    vectors = [part.vectors for part in parts if part.vectors is not None]
    names = parts[0].scores
    return Pool(
        [each for part in parts for each in part.ids],
        [each for part in parts for each in part.prompt_ids],
        [each for part in parts for each in part.content_ids],
        {name: np.concatenate([part.scores[name] for part in parts]) for name in names},
        np.concatenate(vectors) if len(vectors) == len(parts) else None,
        {name: [c for part in parts for c in part.fields[name]] for name in parts[0].fields},
    )


def split(prompt_ids: Sequence[str], shards: int) -> list[Indices]:
    """Rows of each shard."""
    of_row = np.array([shard_of(each, shards) for each in prompt_ids], np.int64)
    return [np.flatnonzero(of_row == number) for number in range(shards)]
