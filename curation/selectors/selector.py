"""What a subset selector is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from curation.items import Floats, Indices


@dataclass(frozen=True, slots=True)
class Pool:
    """n pairs that can be selected, as columns.

    `content_ids` name the unordered pair of texts: equal for exact duplicates, also flipped ones.
    `scores` holds named terms, NaN where missing. `vectors` is (n, d), unit length, or None.
    """

    ids: Sequence[str]
    prompt_ids: Sequence[str]
    content_ids: Sequence[str]
    scores: Mapping[str, Floats]
    vectors: Floats | None = None

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Selection:
    """`order`: positions kept, best first. Each pair of the pool has an importance and a reason.

    `reasons[i]` is a short code: "selected", "over_budget", "prompt_cap", "duplicate_pair",
    "missing:<term>". `importance[i]` is NaN where the pair is not selectable.
    `degraded` says what was left out because nothing in the pool had it.
    """

    order: Indices
    importance: Floats
    reasons: Sequence[str]
    objective: float
    degraded: tuple[str, ...] = ()


class Selector(BaseModel, ABC):
    """Picks k pairs of a pool. Ties are broken by id, so the row order does not matter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: ClassVar[int] = 1

    @abstractmethod
    def select(self, pool: Pool, k: int, seed: int = 0) -> Selection:
        """At most k pairs without repeats; fewer only where the reasons say why."""

    def terms(self) -> tuple[str, ...]:
        """Names of the scores that the pool must hold (as columns; they may have gaps)."""
        return ()

    def needs_vectors(self) -> bool:
        return False
