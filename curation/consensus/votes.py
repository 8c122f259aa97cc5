"""Votes of annotators on comparisons, in columns, and what a method makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from curation.items import Floats

A, B, TIE = 0, 1, 2  # what a vote says; "both bad" is a tie
SIGN = np.array([1.0, -1.0, 0.0])


@dataclass(frozen=True)
class Votes:
    """`items`, `annotators`, `said` (n,): vote i of an annotator on an item says A, B or TIE.

    Items are comparisons of two responses a and b, 0..n_items-1; what is a and what is b is
    arbitrary, and every method answers 1 − p where they are exchanged.
    """

    items: NDArray[np.int64]
    annotators: NDArray[np.int64]
    said: NDArray[np.int64]
    n_items: int
    n_annotators: int

    def __post_init__(self) -> None:
        if not len(self.items) == len(self.annotators) == len(self.said):
            raise ValueError("items, annotators and said differ in length")
        limits = ((self.items, self.n_items), (self.annotators, self.n_annotators), (self.said, 3))
        for column, limit in limits:
            if len(column) and not (column.min() >= 0 and column.max() < limit):
                raise ValueError(f"an index is not in 0..{limit - 1}")

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def counts(self) -> csr_array:
        """(n_items, n_annotators * 3): how often each annotator said each thing of each item."""
        columns = self.annotators * 3 + self.said
        shape = (self.n_items, self.n_annotators * 3)
        return csr_array((np.ones(len(self)), (self.items, columns)), shape=shape)

    @cached_property
    def signed(self) -> csr_array:
        """(n_items, n_annotators): mean of an annotator's votes on an item, +1 for a, −1 for b."""
        shape = (self.n_items, self.n_annotators)
        at = (self.items, self.annotators)
        total = csr_array((SIGN[self.said], at), shape=shape)
        voted = csr_array((np.ones(len(self)), at), shape=shape)
        voted.data = 1 / np.asarray(voted.data, np.float64)
        return csr_array(total * voted)

    def of(self, rows: NDArray[np.bool_]) -> "Votes":
        """Some of the votes; items and annotators keep their numbers."""
        columns = (self.items[rows], self.annotators[rows], self.said[rows])
        return Votes(*columns, self.n_items, self.n_annotators)


@dataclass(frozen=True)
class Consensus:
    """`p_a` (n_items,): P(a better than b), .5 where nothing is known. `reliability`
    (n_annotators,): P(a decided vote is right), NaN for who gave none; `ridge` of a head."""

    p_a: Floats
    reliability: Floats
    iterations: int = 0
    converged: bool = True
    ridge: float | None = None


@dataclass(frozen=True)
class Anchors:
    """Items whose truth is verified: `items` (m,), `a_better` (m,) booleans."""

    items: NDArray[np.int64]
    a_better: NDArray[np.bool_]

    @staticmethod
    def of(found: Sequence[tuple[int, bool]]) -> "Anchors":
        items, better = zip(*found, strict=True) if found else ((), ())
        return Anchors(np.array(items, np.int64), np.array(better, bool))

    @property
    def signs(self) -> Floats:
        return np.where(self.a_better, 1.0, -1.0)

    def fix(self, p_a: Floats) -> Floats:
        """The same with the verified answers in their places."""
        fixed = p_a.copy()
        fixed[self.items] = self.a_better
        return fixed


NONE = Anchors(np.zeros(0, np.int64), np.zeros(0, bool))
