"""A03: annotators of like mind, found by what they prefer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats
from curation.structure.logistic import fit

RIDGE = 1.0
STARTS = 8
ROUNDS = 50
MOST = 4  # groups that are tried


@dataclass(frozen=True)
class Groups:
    """`of` (annotators,): the group of each, 0 the largest; `heads` (groups, d); `accuracy`
    (groups,): share of its members' labels that a group's head gets right, on the labels it was
    fitted on; `criterion`: BIC by number of groups, lowest is best."""

    of: NDArray[np.int64]
    heads: Floats
    accuracy: Floats
    criterion: dict[int, float]

    def __len__(self) -> int:
        return len(self.heads)


def like_minded(
    differences: Floats,
    annotators: NDArray[np.int64],
    a_better: NDArray[np.bool_],
    *,
    groups: int | None = None,
    seed: int = 0,
) -> Groups:
    """Hard EM: each annotator joins the group whose Bradley–Terry head explains their labels best.

    `differences` (n, d) of responses a − b, one row a label; `annotators` (n,); `a_better` (n,).
    The number of groups is the one of lowest BIC up to 4 unless given; the best of 8 starts.
    MaxMin-RLHF, arXiv 2402.08925.
    """
    towards = np.asarray(differences, np.float64) * np.where(a_better, 1.0, -1.0)[:, None]
    count = int(annotators.max(initial=-1)) + 1
    if count == 0:
        raise ValueError("there are no labels")
    rng = np.random.default_rng(seed)
    tried = (groups,) if groups else range(1, min(MOST, count) + 1)
    ends = {size: best_of_starts(towards, annotators, count, size, rng) for size in tried}
    criterion = {
        size: 2 * loss + size * towards.shape[1] * np.log(len(towards)) + 2 * count * np.log(size)
        for size, (_, _, loss) in ends.items()
    }
    of, heads, _ = ends[min(criterion, key=lambda size: (criterion[size], size))]
    order = np.argsort(-np.bincount(of, minlength=len(heads)), kind="stable")
    renamed = np.argsort(order)[of]
    heads = heads[order]
    right = (towards * heads[renamed[annotators]]).sum(axis=1) > 0
    labels = np.bincount(renamed[annotators], minlength=len(heads))
    accuracy = np.bincount(renamed[annotators], right, len(heads)) / np.maximum(labels, 1)
    return Groups(renamed, heads, accuracy, criterion)


def best_of_starts(
    towards: Floats, who: NDArray[np.int64], count: int, size: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Floats, float]:
    ends = [hard_em(towards, who, count, size, rng) for _ in range(STARTS if size > 1 else 1)]
    return min(ends, key=lambda end: end[2])


def hard_em(
    towards: Floats, who: NDArray[np.int64], count: int, size: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], Floats, float]:
    """Group of each annotator, heads, and the negative log-likelihood of all labels."""
    of = started(towards, who, count, size, rng)
    heads = np.zeros((size, towards.shape[1]))
    losses = np.zeros((count, size))
    for _ in range(ROUNDS):
        for group in range(size):
            rows = of[who] == group
            if rows.any():
                heads[group] = fit(towards[rows], RIDGE).weights
        each = np.logaddexp(0, -(towards @ heads.T))
        losses = np.column_stack([np.bincount(who, each[:, g], count) for g in range(size)])
        found = losses.argmin(axis=1)
        if (found == of).all():
            break
        of = found
    return of, heads, float(losses[np.arange(count), of].sum())


def started(
    towards: Floats, who: NDArray[np.int64], count: int, size: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Annotators parted by their own mean preference along a random one of theirs: opposite minds
    begin apart, which random groups seldom do."""
    mean = np.stack([np.bincount(who, column, count) for column in towards.T], axis=1)
    length = np.linalg.norm(mean, axis=1, keepdims=True)
    mean = mean / np.where(length > 0, length, 1)
    seeds = mean[rng.choice(count, size, replace=False)]
    return (mean @ seeds.T + 1e-9 * rng.random((count, size))).argmax(axis=1)
