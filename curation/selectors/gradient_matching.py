"""Pairs that together teach a reward head what all trusted pairs teach it."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.items import Floats, Indices, Pairs, View
from curation.noise.regime import LEAST, regime
from curation.selectors.admission import SELECTED, Admission, Admitting, id_order
from curation.selectors.ground import VECTORS
from curation.selectors.selector import Pool, Selection
from curation.selectors.terms import present

ROUNDS = 4000  # above so many pairs several are taken at a time
QUANTUM = 2.0**-20  # gains closer than this are equal, and the lower id comes first

Gate: TypeAlias = Literal["auto"] | Annotated[float, Field(ge=0, le=0.5)]
LONGER = "longer"
TOO_FEW = f"matching: fewer than {LEAST} pairs, drawn at random"


class Trusted(NamedTuple):
    """(m,) which of the pairs stay behind the gate; whether labels can be foretold at all."""

    kept: NDArray[np.bool_]
    learnable: bool


class GradientMatching(Admitting):
    """A noise gate, then coverage of what the labels teach, within a length band.

    1. The worst share `gate` by `term` (P(label right), cross-fitted) is left out. `auto` is the
       estimated noise: 0 where labels look clean, a twentieth where it is not identified.
    2. A ridge regression on the rest. Its weights are a sum of the pairs' gradients.
    3. Greedily the pair that brings the mean of the kept differences nearest to `pull` times that
       sum (GRAD-MATCH, arXiv:2103.00123): pairs whose parts that have nothing to do with the labels
       cancel out. Which side is longer stays within `band` of its share in the pool.

    Vectors are signed differences of embeddings and style, so the labels decide. The objective is
    minus the squared distance to the target. Importance: minus the distance that the pair would
    leave, when it was taken or at the end. Where labels can't be foretold better than by chance
    they teach nothing that could be matched: then the draw is uniform, from what the gate leaves.
    Where `term` is the same for all, nothing is gated. Below 100 pairs nothing is estimated: the
    draw is uniform, and `degraded` says so. O(min(k, 4000) m d) time.
    """

    # 1 gated by id where `term` was the same for all; 2 took no notice of the margins' shape, had
    # another ridge and pull, and gated a tenth where the noise is not identified
    version: ClassVar[int] = 3

    kind: Literal["gradient_matching"] = "gradient_matching"
    term: str = Field(default="p_correct", min_length=1)
    gate: Gate = Field(default="auto", description="share to leave out, or auto")
    ridge: float = Field(default=40.0, gt=0, allow_inf_nan=False)
    pull: float = Field(default=5.0, gt=0, le=100, allow_inf_nan=False)
    band: float = Field(default=0.05, ge=0, le=1)

    def terms(self) -> tuple[str, ...]:
        return (self.term,)

    def field_names(self) -> tuple[str, ...]:
        return (LONGER,)

    def needs_vectors(self) -> bool:
        return True

    def vector_views(self) -> tuple[View, ...]:
        from curation.models.ridge_margin import VECTORS as NEEDED

        return NEEDED

    def vectors_of(self, pairs: Pairs) -> Floats | None:
        from curation.models.ridge_margin import differences

        if not all(pairs.has(view) for view in self.vector_views()):
            return None
        return differences(pairs)[0]

    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        admission = Admission(pool, k, self.max_per_prompt, self.distinct)
        terms = present(pool, self.terms())
        selectable, degraded = terms.selectable, terms.degraded
        for row, name in enumerate(terms.missing):
            if name:
                admission.reasons[row] = f"missing:{name}"
        if pool.vectors is None:
            degraded = (*degraded, VECTORS)
        else:
            whole = np.isfinite(pool.vectors).all(axis=1)
            admission.refuse(np.flatnonzero(selectable & ~whole), f"missing:{VECTORS}")
            selectable &= whole
        order = id_order(pool)
        rows = order[selectable[order]]
        trust = terms.columns.get(self.term, np.ones(len(pool)))[rows]
        known = self.term in terms.columns
        trusted = self.trusted(trust, k, known)
        if known and len(trust) < LEAST:
            degraded = (*degraded, TOO_FEW)
        admission.refuse(rows[~trusted.kept], f"gate:{self.term}")
        importance = np.full(len(pool), np.nan)
        open_rows = rows[trusted.kept]
        if pool.vectors is None or not trusted.learnable or len(open_rows) == 0:
            importance[open_rows] = np.random.default_rng(seed).random(len(open_rows))
            admission.fill(open_rows[np.argsort(-importance[open_rows], kind="stable")])
            return admission.selection(importance, 0.0, degraded)
        match = Match(np.asarray(pool.vectors[open_rows], np.float32), self.ridge, self.pull)
        longer = list(pool.fields.get(LONGER, [""] * len(pool)))
        sides: list[str] = [longer[row] for row in open_rows.tolist()]
        importance[open_rows] = matched(admission, open_rows, match, sides, self.band)
        return admission.selection(importance, -match.distance(), degraded)

    def trusted(self, trust: Floats, k: int, known: bool) -> Trusted:
        """Never fewer than the budget asks for; all where none is doubted more than another."""
        kept = np.ones(len(trust), np.bool_)
        if not known:
            return Trusted(kept, learnable=True)
        found = regime(trust)
        share = found.gate if self.gate == "auto" else self.gate
        count = min(int(share * len(trust)), max(len(trust) - k, 0))
        if (trust != trust[:1]).any():
            kept[np.argsort(trust, kind="stable")[:count]] = False
        return Trusted(kept, found.learnable)


class Match:
    """Points, the target that their mean should come near to, and the sum of those taken."""

    def __init__(self, points: NDArray[np.float32], ridge: float, pull: float) -> None:
        from curation.models.ridge_margin import fit

        self.points = points
        self.lengths = np.einsum("ij,ij->i", points, points).astype(np.float64)
        weights = fit(points, ridge) if len(points) else np.zeros(points.shape[1])
        margins = points @ weights
        total = float((1 - margins).sum()) / ridge
        scale = pull / total if total > 0 else 0.0
        self.target, self.wanted = weights * scale, margins * scale
        self.sum = np.zeros(points.shape[1])
        self.shared = np.zeros(len(points))
        self.count = 0

    def gains(self) -> NDArray[np.float64]:
        """(m,) how much nearer the mean of the next sum is to the target, up to a constant."""
        n = self.count + 1
        return 2 * (self.wanted - self.shared / n) - self.lengths / n

    def take(self, points: Indices) -> None:
        step = self.points[points].sum(axis=0, dtype=np.float64)
        self.sum += step
        self.shared += self.points @ step.astype(np.float32)
        self.count += len(points)

    def distance(self) -> float:
        return float(((self.target - self.sum / max(self.count, 1)) ** 2).sum())


def matched(
    admission: Admission, rows: Indices, match: Match, sides: Sequence[str], band: float
) -> NDArray[np.float64]:
    """(m,) importances. Fills the budget; where the band leaves no pair to take, without it."""
    m, at_once = len(rows), max(-(-admission.k // ROUNDS), 1)
    left = {side: np.ceil(admission.k * (sides.count(side) / m + band)) for side in set(sides)}
    side_of = np.array(sides, np.str_)
    closed, importance = np.zeros(m, np.bool_), np.zeros(m)
    for banded in (True, False):
        while not admission.full:
            gains = match.gains()
            steps = np.rint(gains / QUANTUM)
            steps[closed] = -np.inf
            for side, places in left.items():
                if banded and places <= 0:
                    steps[side_of == side] = -np.inf
            best = [int(steps.argmax())] if at_once == 1 else np.argsort(-steps, kind="stable")
            taken: list[int] = []
            for point in list(best)[:at_once]:
                if steps[point] == -np.inf or admission.full:
                    break
                closed[point] = True
                if admission.offer(int(rows[point])):
                    taken.append(int(point))
                    left[sides[point]] -= 1
            if not closed.any() or steps.max(initial=-np.inf) == -np.inf:
                break
            importance[taken] = gains[taken]
            match.take(np.array(taken, np.int64))
    rest = np.ones(m, np.bool_)
    rest[[place for place in range(m) if admission.reasons[int(rows[place])] == SELECTED]] = False
    importance[rest] = match.gains()[rest]
    return importance
