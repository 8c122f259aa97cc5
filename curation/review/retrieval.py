"""L05: unverified pairs that resemble those on which a scorer errs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats

K_MAX = 8
QUERY_BLOCK = 256


class Retrieved(NamedTuple):
    """(m,) each, nearest first: `rows` of the pool, each once; the query it is nearest to among
    those that fetched it; their cosine."""

    rows: NDArray[np.int64]
    queries: NDArray[np.int64]
    similarity: Floats


def how_many(p_correct: Floats, k_max: int = K_MAX) -> NDArray[np.int64]:
    """(q,): k_max where the scorer errs (p ≤ .5), else ⌈k_max (1 − p)⌉, p = P(the verified side).

    Skywork-Reward-V2, arXiv 2507.01352.
    """
    p = np.asarray(p_correct, np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p_correct is a probability")
    eased = np.ceil(np.round(k_max * (1 - p), 9))  # 10 * (1 − .7) is more than 3
    return np.where(p <= 0.5, k_max, eased).astype(np.int64)


def retrieve(
    queries: Floats, p_correct: Floats, pool: Floats, ids: Sequence[str], k_max: int = K_MAX
) -> Retrieved:
    """`queries` (q, d) vectors of verified pairs, `p_correct` (q,) of the scorer on them; `pool`
    (n, d) unverified ones with `ids`. Each query fetches `how_many` pairs by cosine; of equals the
    lower id."""
    ranks = np.argsort(np.argsort(np.asarray(ids), kind="stable"), kind="stable")
    by_id = np.argsort(ranks)
    units = unit(pool)[by_id]
    wanted = np.minimum(how_many(p_correct, k_max), len(pool))
    best: dict[int, tuple[float, int]] = {}
    for start in range(0, len(queries), QUERY_BLOCK):
        block = np.round(unit(queries[start : start + QUERY_BLOCK]) @ units.T, 12)
        for offset, cosines in enumerate(block):
            query = start + offset
            for row in by_id[highest(cosines, int(wanted[query]))].tolist():
                candidate = (float(cosines[ranks[row]]), -query)
                best[row] = max(best.get(row, candidate), candidate)
    order = sorted(best, key=lambda row: (-best[row][0], ranks[row]))
    return Retrieved(
        np.array(order, np.int64),
        np.array([-best[row][1] for row in order], np.int64),
        np.array([best[row][0] for row in order], np.float64),
    )


def highest(values: Floats, count: int) -> NDArray[np.int64]:
    """Places of the `count` highest, the highest first; of equals the first. O(n)."""
    if count <= 0:
        return np.zeros(0, np.int64)
    least = np.partition(values, len(values) - count)[len(values) - count]
    enough = np.flatnonzero(values >= least)
    return enough[np.argsort(-values[enough], kind="stable")[:count]]


def unit(vectors: Floats) -> Floats:
    """Rows of length one; rows of zeros stay."""
    wide = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return wide / np.where(lengths > 0, lengths, 1.0)
