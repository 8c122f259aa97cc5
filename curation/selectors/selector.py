"""What a subset selector is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict

from curation.items import Floats, Indices, Pairs, View


@dataclass(frozen=True, slots=True)
class Pool:
    """n pairs that can be selected, as columns.

    `content_ids` name the unordered pair of texts: equal for exact duplicates, also flipped ones.
    `scores` holds named terms, NaN where missing. `vectors` is (n, d), or None; a row that is not
    finite is missing, a row of zeros resembles nothing. `fields` are named classes of the pairs
    (source, language, length band, …), "" where unknown.
    """

    ids: Sequence[str]
    prompt_ids: Sequence[str]
    content_ids: Sequence[str]
    scores: Mapping[str, Floats]
    vectors: Floats | None = None
    fields: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Indices) -> "Pool":
        """The pairs at these positions, in this order."""
        positions: list[int] = rows.tolist()

        def pick(column: Sequence[str]) -> list[str]:
            return [column[i] for i in positions]

        return Pool(
            pick(self.ids),
            pick(self.prompt_ids),
            pick(self.content_ids),
            {name: np.asarray(column)[rows] for name, column in self.scores.items()},
            None if self.vectors is None else self.vectors[rows],
            {name: pick(column) for name, column in self.fields.items()},
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """`order`: positions kept, best first. Each pair of the pool has an importance and a reason.

    `reasons[i]` is a short code: "selected", "over_budget", "prompt_cap", "duplicate_pair",
    "missing:<term>", or the selector's own. `importance[i]` is NaN where the pair is not
    selectable. `objective`: what the selector makes large; `bound`: no selection of this size
    has a larger one, None where nothing is known. `degraded` says what was left out because
    nothing in the pool had it, or "what: why". `seconds` is the wall time and belongs to no
    comparison.
    """

    order: Indices
    importance: Floats
    reasons: Sequence[str]
    objective: float
    degraded: tuple[str, ...] = ()
    bound: float | None = None
    ranks: Indices = field(default_factory=lambda: np.zeros(0, np.int64))
    seed: int = 0
    seconds: float = field(default=0.0, compare=False)


class Selector(BaseModel, ABC):
    """Picks k pairs of a pool. Ties are broken by id, so the row order does not matter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: ClassVar[int] = 1

    def select(self, pool: Pool, k: int, seed: int = 0) -> Selection:
        """At most k pairs without repeats; fewer only where the reasons say why."""
        began = perf_counter()
        found = self.choose(pool, k, seed)
        return replace(found, seed=seed, ranks=ranks(pool, found), seconds=perf_counter() - began)

    @abstractmethod
    def choose(self, pool: Pool, k: int, seed: int) -> Selection:
        """The selection itself; `select` adds seed, ranks and time."""

    def terms(self) -> tuple[str, ...]:
        """Names of the scores that the pool must hold (as columns; they may have gaps)."""
        return ()

    def field_names(self) -> tuple[str, ...]:
        """Names of the fields that the pool must hold."""
        return ()

    def needs_vectors(self) -> bool:
        return False

    def vector_view(self) -> View:
        """Which text of the pair its vectors belong to."""
        return View.prompt

    def vector_views(self) -> tuple[View, ...]:
        """The texts that `vectors_of` reads."""
        return (self.vector_view(),)

    def vectors_of(self, pairs: Pairs) -> Floats | None:
        """(n, d) what the pool's `vectors` are; None where the pairs do not have them."""
        return pairs.vectors.get(self.vector_view())


def ranks(pool: Pool, found: Selection) -> Indices:
    """(n,) from 1: the kept in their order, then the others by importance, those that can't be
    selected last; ties by id."""
    kept = np.zeros(len(pool), np.bool_)
    kept[found.order] = True
    importance = np.asarray(found.importance, np.float64)
    by_id = sorted(np.flatnonzero(~kept).tolist(), key=pool.ids.__getitem__)
    others = np.array(by_id, np.int64)
    worth = np.nan_to_num(importance[others], nan=-np.inf)
    others = others[np.argsort(-worth, kind="stable")]
    places = np.empty(len(pool), np.int64)
    places[np.concatenate([found.order, others])] = np.arange(1, len(pool) + 1)
    return places
