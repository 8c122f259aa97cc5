"""Caps per user and per cluster: a few voices must not decide what is learnt."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from curation.feedback.corrections import Correction
from curation.items import Floats


def capped(
    found: Sequence[Correction],
    clusters: NDArray[np.int64],
    per_user: int | None,
    per_cluster: int | None,
    skipped: Counter[str],
) -> list[Correction]:
    """The first of each user and of each cluster, in the given order; refusals are counted.

    A conversation without a user's name is capped by its cluster only.
    """
    users: Counter[str] = Counter()
    members: Counter[int] = Counter()
    kept: list[Correction] = []
    for one, cluster in zip(found, clusters.tolist(), strict=True):
        user = one.conversation.user
        if per_user is not None and user is not None and users[user] >= per_user:
            skipped["over_cap_per_user"] += 1
        elif per_cluster is not None and members[cluster] >= per_cluster:
            skipped["over_cap_per_cluster"] += 1
        else:
            users.update([user] if user is not None else [])
            members[cluster] += 1
            kept.append(one)
    return kept


def leaders(vectors: Floats, cosine: float) -> NDArray[np.int64]:
    """(n,): each row joins the first leader at least so near, else it leads a cluster itself.

    `vectors` (n, d) of unit length, in the order in which they may lead.
    """
    chosen: list[int] = []
    found = np.zeros(len(vectors), np.int64)
    heads = np.zeros((0, vectors.shape[1] if vectors.ndim == 2 else 0), np.float32)
    for row, vector in enumerate(np.asarray(vectors, np.float32)):
        near = np.flatnonzero(heads @ vector >= cosine)
        if len(near):
            found[row] = near[0]
            continue
        found[row] = len(chosen)
        chosen.append(row)
        heads = np.vstack([heads, vector[None]])
    return found
