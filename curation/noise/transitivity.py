"""What the other comparisons of a prompt's responses say about each comparison."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from curation.items import Floats
from curation.structure.logistic import fit

RIDGE = 1.0  # of a response's strength: one comparison moves it by a third of the way
LEAST = 50  # comparisons with others to be told by, for a slope; else it is 0


def told_by_others(
    prompts: NDArray[np.int64], a: NDArray[np.int64], b: NDArray[np.int64], said: Floats
) -> Floats:
    """(n,) P(a better than b), told by the comparisons of other pairs; .5 where they say nothing.

    `said` (n,): +1, −1 or 0 for a tie, each given by itself: pairs that are read off one ranking
    agree with each other and prove nothing. Strengths by ridge least squares within a prompt, left
    out one at a time in closed form; their scale by maximum likelihood over all of them.
    """
    low, high = np.minimum(a, b), np.maximum(a, b)
    keys, edge = np.unique(np.column_stack([prompts, low, high]), axis=0, return_inverse=True)
    edge = edge.ravel()
    turned = np.where(a == low, 1.0, -1.0)
    y = np.asarray(said, np.float64)
    mean = np.bincount(edge, y * turned, len(keys)) / np.bincount(edge, minlength=len(keys))
    gap = left_out_gaps(keys[:, 0], keys[:, 1], keys[:, 2], mean)[edge] * turned
    known = (np.abs(gap) > 1e-9) & (y != 0)
    if known.sum() < LEAST:
        return np.full(len(y), 0.5)
    slope = max(float(fit((gap * y)[known][:, None], 1e-3).weights[0]), 0.0)
    return expit(slope * gap)


def left_out_gaps(
    prompts: NDArray[np.int64], a: NDArray[np.int64], b: NDArray[np.int64], said: Floats
) -> Floats:
    """(n,): strength of a less that of b, by the prompt's other comparisons."""
    gaps = np.zeros(len(said))
    order = np.argsort(prompts, kind="stable")
    starts = np.flatnonzero(np.diff(prompts[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        if len(rows) > 1:
            gaps[rows] = of_one_prompt(a[rows], b[rows], said[rows])
    return gaps


def of_one_prompt(a: NDArray[np.int64], b: NDArray[np.int64], said: Floats) -> Floats:
    """The leave-one-out prediction y − r / (1 − h) of a ridge regression."""
    nodes, at = np.unique(np.concatenate([a, b]), return_inverse=True)
    design = np.zeros((len(a), len(nodes)))
    rows = np.arange(len(a))
    design[rows, at[: len(a)]], design[rows, at[len(a) :]] = 1.0, -1.0
    hat = design @ np.linalg.solve(design.T @ design + RIDGE * np.eye(len(nodes)), design.T)
    residual = said - hat @ said
    found = said - residual / (1 - np.diag(hat))
    return np.where(np.abs(found) > 1e-9, found, 0.0)
