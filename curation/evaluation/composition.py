"""What a set of pairs is made of: lengths, duplicates, diversity, prompts."""

import numpy as np
from pydantic import BaseModel, ConfigDict

from curation.items import Floats, Pairs, View
from curation.recipes.apply import content_ids

NEIGHBOR = 5
EPSILON = 1e-6


class Composition(BaseModel):
    """Figures of a set of pairs; None where they are not defined (no pair, no vectors)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pairs: float
    prompts: float
    prompts_covered: float | None  # of the pool's prompts, 0..1
    length_ratio: float | None  # chosen / rejected in characters, geometric mean
    longer_wins: float | None  # share of pairs whose chosen response is the longer one
    duplicates: float | None  # share of pairs whose texts were there before, in any order
    diversity: float | None  # mean log distance to the 5th nearest prompt of the set, nats


def composition(pairs: Pairs, pool_prompts: int) -> Composition:
    """Of `pairs`, a part of a pool with so many prompts. Diversity grows as a set gets smaller:
    compare sets of one size."""
    n, prompts = len(pairs), pairs.distinct_prompts()
    if n == 0:
        return Composition(
            pairs=0, prompts=0, prompts_covered=0 if pool_prompts else None, length_ratio=None,
            longer_wins=None, duplicates=None, diversity=None,
        )  # fmt: skip
    chosen = np.array([len(text) for text in pairs.chosen])
    rejected = np.array([len(text) for text in pairs.rejected])
    return Composition(
        pairs=n,
        prompts=len(prompts),
        prompts_covered=len(prompts) / pool_prompts if pool_prompts else None,
        length_ratio=float(np.exp((np.log1p(chosen) - np.log1p(rejected)).mean())),
        longer_wins=float((chosen > rejected).mean()),
        duplicates=1 - len(set(content_ids(pairs))) / n,
        diversity=diversity(prompts.vectors.get(View.prompt)),
    )


def diversity(vectors: Floats | None) -> float | None:
    """Mean log(d + 1e-6), d the distance to the 5th nearest other vector (or to the farthest)."""
    from curation.models.neighbors import nearest

    if vectors is None or len(vectors) < 2:
        return None
    found = nearest(vectors, vectors, NEIGHBOR, np.arange(len(vectors))).distances[:, -1]
    return float(np.log(found.astype(np.float64) + EPSILON).mean())
