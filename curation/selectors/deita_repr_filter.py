"""The best pairs that do not repeat a better one (DEITA's representation filter)."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.items import Indices
from curation.selectors.admission import Admission
from curation.selectors.ground import OverVectors, ground
from curation.selectors.kept import Block, Kept
from curation.selectors.selector import Pool, Selection

TOO_SIMILAR = "too_similar"
SIZE = 256  # candidates whose cosines to the kept are computed together


class DeitaReprFilter(OverVectors):
    """In order of the product of `terms`, a pair is kept unless max cos to the kept > `tau`.

    DEITA (arXiv:2312.15685), until k are kept. The rule is that of the double loop in float64,
    whatever the blocks: a rounded cosine decides only where it is farther from tau than rounding.
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
        points = ground(admission, self.score, lazily=True)
        with np.errstate(over="ignore"):
            product = np.nan_to_num(points.worth.prod(axis=1))
        importance = points.spread(product, len(pool))
        order = np.argsort(-product, kind="stable")
        filtered(admission, points.rows[order], self.tau)
        objective = float(importance[np.array(admission.order, np.int64)].sum())
        return admission.selection(importance, objective, points.degraded)


def filtered(admission: Admission, order: Indices, tau: float) -> None:
    """Offers the pairs in this order, none whose cosine to an admitted one is above tau."""
    kept = Kept(admission.pool, tau, admission.k, len(order))
    for start in range(0, len(order), SIZE):
        if admission.full:
            return
        block = kept.block(order[start : start + SIZE])
        repeats = kept.near(block)
        fresh = np.flatnonzero(~repeats)
        last = offered(admission, kept, block.take(fresh))
        end = len(block.rows) if last is None else int(fresh[last])
        for row in block.rows[:end][repeats[:end]].tolist():
            admission.reasons[row] = TOO_SIMILAR


def offered(admission: Admission, kept: Kept, fresh: Block) -> int | None:
    """Offers what is like no kept one, unless it is like one of the block that has been taken; the
    place of the one that filled the budget."""
    among = kept.among(fresh)
    crowded = np.asarray(among.any(axis=1), np.bool_)  # few are
    rows: list[int] = fresh.rows.tolist()
    if admission.unruled(rows):
        return in_bulk(admission, kept, fresh, among, np.flatnonzero(crowded))
    taken: list[int] = []
    for i, row in enumerate(rows):
        if crowded[i] and among[i, taken].any():
            admission.reasons[row] = TOO_SIMILAR
        elif admission.offer(row):
            taken.append(i)
            if admission.full:
                return i
    kept.add(fresh.take(np.array(taken, np.int64)))
    return None


def in_bulk(
    admission: Admission, kept: Kept, fresh: Block, among: NDArray[np.bool_], crowded: Indices
) -> int | None:
    """The same where no other rule can refuse a pair."""
    taken = np.ones(len(fresh.rows), np.bool_)
    for i in crowded.tolist():
        taken[i] = not (among[i] & taken).any()
    places = np.flatnonzero(taken)[: admission.k - len(admission.order)]
    block = fresh.take(places)
    admission.take(block.rows)
    last = int(places[-1]) if admission.full else None
    for row in fresh.rows[:last][~taken[:last]].tolist():
        admission.reasons[row] = TOO_SIMILAR
    kept.add(block)
    return last
