"""Weights of groups under which one head for all serves the worst-served group best."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats
from curation.structure.logistic import fit

ROUNDS = 10
RATE = 2.0  # of the weights, for a difference in accuracy of 1
RIDGE = 1.0


class Balanced(NamedTuple):
    """`weights` (groups,) of mean 1 over the labels; accuracy in the worst-served group."""

    weights: NDArray[np.float64]
    before: float
    after: float


def best_policy(utilities: Floats) -> int:
    """Of policies (p, groups) the one whose least utility is highest; of equals the first."""
    return int(np.asarray(utilities).min(axis=1).argmax())


def balanced(
    towards: Floats, groups: NDArray[np.int64], prompts: Sequence[str], seed: int
) -> Balanced:
    """Multiplicative weights: the group that is served worst counts more in the next round.

    `towards` (n, d) winner − loser, `groups` (n,) from 0. Heads learn from half of the prompts and
    are judged on the other half, both ways. The best of 10 rounds, equal weights the first of them.
    """
    half = halves(prompts, seed)
    count = int(groups.max()) + 1
    share = np.bincount(groups, minlength=count) / len(groups)
    weights = np.ones(count)
    tried: list[NDArray[np.float64]] = []
    accuracies: list[NDArray[np.float64]] = []
    for _ in range(ROUNDS):
        accuracy = served(towards, groups, half, weights)
        tried.append(weights)
        accuracies.append(accuracy)
        weights = weights * np.exp(RATE * (accuracy.mean() - accuracy))
        weights = weights / (weights @ share)
    best = best_policy(np.array(accuracies))
    return Balanced(tried[best], float(accuracies[0].min()), float(accuracies[best].min()))


def halves(prompts: Sequence[str], seed: int) -> NDArray[np.bool_]:
    names = sorted(set(prompts))
    drawn = np.random.default_rng(seed).permutation(len(names)) % 2 == 0
    first = {name for name, one in zip(names, drawn.tolist(), strict=True) if one}
    return np.array([prompt in first for prompt in prompts])


def served(
    towards: Floats, groups: NDArray[np.int64], half: NDArray[np.bool_], weights: Floats
) -> NDArray[np.float64]:
    """(groups,) share of labels that a head of the other half gets right; a tie is half right."""
    right = np.zeros(len(towards))
    for seen in (half, ~half):
        head = fit(towards[seen], RIDGE, np.asarray(weights)[groups[seen]])
        said = towards[~seen] @ head.weights
        right[~seen] = (said > 0) + 0.5 * (said == 0)
    return np.bincount(groups, right) / np.maximum(np.bincount(groups), 1)
