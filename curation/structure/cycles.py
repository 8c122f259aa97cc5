"""D02: how much of a set of comparisons no ranking can explain."""

from collections import defaultdict
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import lsqr

from curation.items import Floats


class Hodge(NamedTuple):
    """`potential` (nodes,), mean 0 in each connected part; `residual` (n,), the flow that it does
    not explain; `cyclic_share` of the energy: 0 (a ranking explains everything) .. 1 (nothing), 0
    where there is no energy at all."""

    potential: Floats
    residual: Floats
    cyclic_share: float


def hodge_rank(
    a: NDArray[np.int64], b: NDArray[np.int64], flow: Floats, weights: Floats | None = None
) -> Hodge:
    """s minimising Σ w (s_a − s_b − flow)², and the energy that is left (arXiv 0811.1067).

    `a`, `b`, `flow` (n,): by how much a is better than b; `weights` (n,) > 0.
    """
    nodes = int(max(a.max(initial=-1), b.max(initial=-1))) + 1
    w = np.ones(len(a)) if weights is None else np.asarray(weights, np.float64)
    y = np.asarray(flow, np.float64)
    rows = np.repeat(np.arange(len(a)), 2)
    signs = np.tile([1.0, -1.0], len(a))
    design = csr_array((signs, (rows, np.column_stack([a, b]).ravel())), shape=(len(a), nodes))
    root = np.sqrt(w)
    if len(a) == 0:
        return Hodge(np.zeros(nodes), np.zeros(0), 0.0)
    found = lsqr(diags_array(root) @ design, root * y, atol=1e-12, btol=1e-12)
    potential = np.asarray(found[0], np.float64)
    energy = float((w * y**2).sum())
    residual = y - design @ potential
    left = float((w * residual**2).sum())
    share = left / energy if energy > 0 else 0.0
    return Hodge(potential, residual, share if share > 1e-12 else 0.0)


class Triads(NamedTuple):
    """Triples of responses that are all compared: how many, directed cycles, and those that fit no
    weak order (ties counted as equal)."""

    compared: int
    cycles: int
    inconsistent: int

    @property
    def inconsistent_share(self) -> float:
        return self.inconsistent / self.compared if self.compared else 0.0


def triads(a: NDArray[np.int64], b: NDArray[np.int64], said: NDArray[np.int64]) -> Triads:
    """`said` (n,): +1 a better, −1 b better, 0 a tie; of several of one pair the sum's sign."""
    sums: dict[tuple[int, int], int] = defaultdict(int)
    for one, other, sign in zip(a.tolist(), b.tolist(), said.tolist(), strict=True):
        low, high = min(one, other), max(one, other)
        sums[low, high] += sign if one == low else -sign
    neighbours: dict[int, set[int]] = defaultdict(set)
    for low, high in sums:
        neighbours[low].add(high)
    found = [
        (np.sign(sums[i, j]), np.sign(sums[j, k]), -np.sign(sums[i, k]))
        for i in sorted(neighbours)
        for j, k in combinations(sorted(neighbours[i]), 2)
        if k in neighbours[j]
    ]
    cycles = sum(abs(sum(signs)) == 3 for signs in found)
    return Triads(len(found), cycles, sum(not weak_order(signs) for signs in found))


def weak_order(signs: tuple[int, int, int]) -> bool:
    """Whether i→j, j→k, k→i can be signs of differences of three numbers: none, or both signs."""
    return not any(signs) or (1 in signs and -1 in signs)
