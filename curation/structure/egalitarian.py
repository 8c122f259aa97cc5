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
    """`weights` (groups,) of mean 1 over the labels; accuracy in the worst-served group with equal
    weights and with such ones, on prompts that neither taught a head nor chose weights."""

    weights: NDArray[np.float64]
    before: float
    after: float


def best_policy(utilities: Floats) -> int:
    """Of policies (p, groups) the one whose least utility is highest; of equals the first."""
    return int(np.asarray(utilities).min(axis=1).argmax())


def balanced(
    towards: Floats, groups: NDArray[np.int64], prompts: Sequence[str], seed: int
) -> Balanced:
    """`towards` (n, d) winner − loser, `groups` (n,) from 0. Weights are of all prompts; to judge
    them, each half of the prompts is foretold by a head and by weights of the other half. So
    `after` may be below `before`."""
    count, half, names = int(groups.max()) + 1, halves(prompts, seed), np.array(prompts, np.str_)
    right = np.zeros((2, len(groups)))
    for seen in (half, ~half):
        found = chosen(towards[seen], groups[seen], names[seen].tolist(), seed + 1, count)
        for arm, weights in enumerate((np.ones(count), found)):
            right[arm, ~seen] = foretold(towards, groups, seen, weights)
    before, after = (float(by_group(arm, groups, count).min()) for arm in right)
    return Balanced(chosen(towards, groups, prompts, seed, count), before, after)


def chosen(
    towards: Floats, groups: NDArray[np.int64], prompts: Sequence[str], seed: int, count: int
) -> NDArray[np.float64]:
    """Multiplicative weights: the group that is served worst counts more in the next round.

    Heads learn from half of the prompts and are judged on the other half, both ways. The best of
    10 rounds by those judgments, equal weights the first of them; equal ones for a single prompt.
    """
    if len(set(prompts)) < 2:
        return np.ones(count)
    half = halves(prompts, seed)
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
    return tried[best_policy(np.array(accuracies))]


def halves(prompts: Sequence[str], seed: int) -> NDArray[np.bool_]:
    names = sorted(set(prompts))
    drawn = np.random.default_rng(seed).permutation(len(names)) % 2 == 0
    first = {name for name, one in zip(names, drawn.tolist(), strict=True) if one}
    return np.array([prompt in first for prompt in prompts], np.bool_)


def served(
    towards: Floats, groups: NDArray[np.int64], half: NDArray[np.bool_], weights: Floats
) -> NDArray[np.float64]:
    """(groups,) share of labels that a head of the other half gets right."""
    right = np.zeros(len(towards))
    for seen in (half, ~half):
        right[~seen] = foretold(towards, groups, seen, weights)
    return by_group(right, groups, len(weights))


def foretold(
    towards: Floats, groups: NDArray[np.int64], seen: NDArray[np.bool_], weights: Floats
) -> NDArray[np.float64]:
    """1 for each label not seen that a head of those seen gets right; a tie is half right."""
    head = fit(towards[seen], RIDGE, np.asarray(weights)[groups[seen]])
    said = towards[~seen] @ head.weights
    return (said > 0) + 0.5 * (said == 0)


def by_group(right: Floats, groups: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """(count,) means; of a group without labels the mean of all."""
    labels = np.bincount(groups, minlength=count)
    total = np.bincount(groups, right, minlength=count)
    return np.where(labels > 0, total / np.maximum(labels, 1), np.mean(right))
