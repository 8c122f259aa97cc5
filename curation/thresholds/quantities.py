"""What is summed of the pairs of a bin: rows, tokens, longer wins, noise, margins, sources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats, Indices
from curation.thresholds.noise import KNOTS, on_knots
from curation.thresholds.sketch import ROWS

TOKENS, LONGER, SHORTER = "tokens", "chosen longer", "chosen shorter"
SOURCES = 8  # the largest; all others together are what is left of the rows


@dataclass(frozen=True, slots=True)
class PairColumns:
    """(n,) columns of pairs. `source` is the place of a named source, −1 for others; `values` are
    those whose mean is asked for, `chances` P(a label agrees), NaN where missing."""

    tokens: Floats
    chosen_length: Floats  # characters
    rejected_length: Floats
    source: Indices
    values: Mapping[str, Floats]
    chances: Mapping[str, Floats]

    def table(self, sources: int) -> NDArray[np.float64]:
        """(n, q) in the order of `quantity_names`."""
        columns = [
            np.ones(len(self.tokens)),
            self.tokens,
            self.chosen_length > self.rejected_length,
            self.chosen_length < self.rejected_length,
        ]
        for column in self.values.values():
            known = ~np.isnan(column)
            columns += [known, np.where(known, column, 0)]
        for column in self.chances.values():
            columns += [*on_knots(column).T]
        columns += [self.source == place for place in range(sources)]
        return np.stack([np.asarray(column, np.float64) for column in columns], axis=1)


def quantity_names(
    values: Sequence[str], chances: Sequence[str], sources: Sequence[str]
) -> list[str]:
    """Of every column that is summed."""
    means = [name for value in values for name in (known(value), total(value))]
    knots = [at_knot(name, place) for name in chances for place in range(len(KNOTS))]
    return [ROWS, TOKENS, LONGER, SHORTER, *means, *knots, *map(of_source, sources)]


def known(value: str) -> str:
    """Rows that have the value."""
    return f"known {value}"


def total(value: str) -> str:
    return f"sum {value}"


def at_knot(chance: str, place: int) -> str:
    return f"knot {place} {chance}"


def of_source(name: str) -> str:
    return f"source {name}"
