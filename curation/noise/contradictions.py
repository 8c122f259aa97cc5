"""Labels that contradict each other: of pairs that say nearly the same, and around a prompt."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats
from curation.structure.cycles import hodge_rank


def repeated(
    groups: Sequence[Hashable],
    a: Sequence[Hashable],
    b: Sequence[Hashable],
    a_better: NDArray[np.bool_],
) -> tuple[Floats, Floats]:
    """(n,) each: how many other labels the same question has, and the share that disagrees.

    A question is a group (a prompt, or prompts that are near-duplicates) with two responses, or
    groups of near-duplicate responses, either way round. 0 others: a share of 0.
    """
    keys: dict[tuple[Hashable, frozenset[Hashable]], int] = {}
    question = np.zeros(len(groups), np.int64)
    towards = np.zeros(len(groups))
    first: list[Hashable] = []
    for row, (group, one, other) in enumerate(zip(groups, a, b, strict=True)):
        question[row] = keys.setdefault((group, frozenset((one, other))), len(keys))
        if question[row] == len(first):
            first.append(one)
        same_way = first[question[row]] == one
        towards[row] = 1.0 if bool(a_better[row]) == same_way else -1.0
    asked = np.bincount(question, minlength=len(keys))[question] - 1
    balance = np.bincount(question, towards, len(keys))[question] - towards
    against = (asked - balance * towards) / 2
    return asked.astype(np.float64), np.where(asked > 0, against / np.maximum(asked, 1), 0.0)


def tension(a: NDArray[np.int64], b: NDArray[np.int64], said: Floats) -> Floats:
    """(n,): how far a comparison is from the ranking that fits all comparisons best.

    `said` (n,): +1 where a is better, −1 where b is, 0 for a tie; responses of different prompts
    have different numbers. Above 0: the others say less than it does, or, above 1, the opposite; 0
    where its responses are on no cycle: there nothing can contradict it. HodgeRank's residual.
    """
    residual = hodge_rank(a, b, said).residual
    return np.where(np.abs(residual) > 1e-8, residual * np.sign(said), 0.0)
