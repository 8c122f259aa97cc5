"""The best pairs that do not repeat a better one (DEITA's representation filter)."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.items import Indices
from curation.selectors.admission import Admission
from curation.selectors.ground import Ground, OverVectors, ground
from curation.selectors.selector import Pool, Selection

TOO_SIMILAR = "too_similar"
BLOCK = 256  # candidates whose cosines to the kept are computed together
KEPT_BLOCK = 4096  # kept ones among them
ROUNDING = 1e-5  # a float32 cosine this near to the threshold is computed again


class DeitaReprFilter(OverVectors):
    """In order of the product of `terms`, a pair is kept unless max cos to the kept > `tau`.

    DEITA (arXiv:2312.15685), until k are kept. The rule is that of the double loop in float64,
    whatever the blocks: a float32 cosine decides only where it is farther from tau than rounding.
    Time O(n k d), memory O(n d). The objective is the sum of the importances.
    """

    version: ClassVar[int] = 1

    kind: Literal["deita_repr_filter"] = "deita_repr_filter"
    score: tuple[str, ...] = Field(
        default=("quality",), min_length=1, description="terms; their product is the importance"
    )
    tau: float = Field(default=0.9, ge=-1, le=1, description="largest cosine between kept pairs")

    def terms(self) -> tuple[str, ...]:
        return self.score

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        admission = Admission(pool, k, self.max_per_prompt, self.distinct)
        points = ground(admission, self.score)
        with np.errstate(over="ignore"):
            product = np.nan_to_num(points.worth.prod(axis=1))
        importance = points.spread(product, len(pool))
        order = np.argsort(-product, kind="stable")
        filtered(admission, points, order, self.tau)
        objective = float(importance[np.array(admission.order, np.int64)].sum())
        return admission.selection(importance, objective, points.degraded)


def filtered(admission: Admission, points: Ground, order: Indices, tau: float) -> None:
    """Offers the points in this order, none whose cosine to an admitted one is above tau."""
    kept = Kept(admission.pool, points, tau)
    for start in range(0, len(order), BLOCK):
        block = order[start : start + BLOCK]
        repeats, among = kept.near(block), np.tril(kept.above(block, block), -1)
        rivals = np.asarray(
            among.any(axis=1), np.bool_
        )  # few have any: most need no look at those taken
        taken: list[int] = []
        for i, row in enumerate(points.rows[block].tolist()):
            if admission.full:
                return
            if repeats[i] or (rivals[i] and among[i, taken].any()):
                admission.reasons[row] = TOO_SIMILAR
            elif admission.offer(row):
                taken.append(i)
        kept.add(block[taken])


class Kept:
    """The points kept so far, their vectors side by side in a buffer that grows by doubling."""

    def __init__(self, pool: Pool, points: Ground, tau: float) -> None:
        self.pool, self.points, self.tau = pool, points, tau
        self.members = np.empty(0, np.int64)
        self.places = np.empty((BLOCK, points.vectors.shape[1]), np.float32)

    def add(self, members: Indices) -> None:
        count = len(self.members)
        self.members = np.concatenate([self.members, members])
        while len(self.members) > len(self.places):
            self.places = np.vstack([self.places, np.empty_like(self.places)])
        self.places[count : len(self.members)] = self.points.vectors[members]

    def near(self, block: Indices) -> NDArray[np.bool_]:
        """(m,): whether some kept point has a cosine above tau."""
        found = np.zeros(len(block), np.bool_)
        for start in range(0, len(self.members), KEPT_BLOCK):
            found |= self.above(block, self.members[start : start + KEPT_BLOCK], start).any(axis=1)
        return found

    def above(self, block: Indices, others: Indices, place: int | None = None) -> NDArray[np.bool_]:
        """(m, p): cosine above tau, as float64 has it. `place`: where others lie in the buffer."""
        vectors = self.points.vectors
        keys = vectors[others] if place is None else self.places[place : place + len(others)]
        cosines = vectors[block] @ keys.T
        found = cosines > np.float32(self.tau - ROUNDING)
        if not found.any():
            return found
        first, second = np.nonzero(found & (cosines < np.float32(self.tau + ROUNDING)))
        for start in range(0, len(first), KEPT_BLOCK):
            i, j = first[start : start + KEPT_BLOCK], second[start : start + KEPT_BLOCK]
            found[i, j] = self.exact(block[i], others[j]) > self.tau
        return found

    def exact(self, first: Indices, second: Indices) -> NDArray[np.float64]:
        """Cosines of points, at most 1, from the pool's own vectors."""
        if self.pool.vectors is None:
            return np.zeros(len(first))
        a, b = (
            np.asarray(self.pool.vectors[self.points.rows[rows]], np.float64)
            for rows in (first, second)
        )
        lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        products = np.einsum("ij,ij->i", a, b)
        return np.minimum(np.divide(products, lengths, out=np.zeros(len(a)), where=lengths > 0), 1)
