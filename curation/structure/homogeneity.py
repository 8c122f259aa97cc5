"""D03: do the candidate responses of a prompt differ at all?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats


class Homogeneity(NamedTuple):
    """Per prompt, in order of `prompts`: mean cosine of its candidates, −1..1 (1: all the same),
    NaN for a single candidate."""

    prompts: NDArray[np.int64]
    mean_cosine: Floats


def homogeneity(prompts: NDArray[np.int64], vectors: Floats) -> Homogeneity:
    """`prompts` (n,): whose candidate a row is; `vectors` (n, d). A zero vector has cosine 0."""
    v = np.asarray(vectors, np.float64)
    length = np.linalg.norm(v, axis=1, keepdims=True)
    unit = np.where(length > 0, v / np.where(length > 0, length, 1), 0.0)
    names, at = np.unique(prompts, return_inverse=True)
    order = np.argsort(at, kind="stable")
    starts = np.searchsorted(at[order], np.arange(len(names)))
    sums = np.add.reduceat(unit[order], starts, axis=0) if len(v) else unit
    own = np.bincount(at, (unit**2).sum(axis=1), len(names))
    n = np.bincount(at, minlength=len(names))
    twos = np.where(n > 1, n * (n - 1), 1)
    mean = ((sums**2).sum(axis=1) - own) / twos
    return Homogeneity(names, np.where(n > 1, mean, np.nan))


def coverage(prompts: NDArray[np.int64], classes: NDArray[np.int64], n_classes: int) -> Floats:
    """Per prompt: the share of the stances 0..n_classes−1 that some candidate takes; −1 is none."""
    return taken(prompts, classes, n_classes).mean(axis=1)


def absent(prompts: NDArray[np.int64], classes: NDArray[np.int64], n_classes: int) -> Floats:
    """(n_classes,): the share of prompts where no candidate takes the stance; NaN without any."""
    seen = taken(prompts, classes, n_classes)
    return 1 - seen.mean(axis=0) if len(seen) else np.full(n_classes, np.nan)


def taken(
    prompts: NDArray[np.int64], classes: NDArray[np.int64], n_classes: int
) -> NDArray[np.bool_]:
    """(prompts, n_classes)."""
    names, at = np.unique(prompts, return_inverse=True)
    seen = np.zeros((len(names), n_classes), bool)
    known = classes >= 0
    seen[at[known], classes[known]] = True
    return seen
