"""Readable names of features: terms that the response with more of one has, and the other not."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.stats import t as student

from curation.items import Floats
from curation.models.style import WORD

Texts: TypeAlias = Sequence[tuple[str, str]]  # responses a and b of each row

TOP = 0.05  # of the rows where a feature is active most
LEAST, MOST = 60, 300  # rows that a name is made of, and checked on
CHARACTERS = 4000  # of a response that are read
TERMS = 5  # of either side of a name
FEWEST = 5  # rows that a term tells apart
SURPRISE = 2.5  # standard deviations from a coin
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Name:
    """`more`, `less`: terms of the response with more of the feature, and with less. `correlation`:
    of those terms with the activation, on `checked` rows that the name was not made of; `holds`:
    whether that is more than chance, over all features."""

    more: tuple[str, ...]
    less: tuple[str, ...]
    correlation: float
    checked: int
    holds: bool


def names(activations: Floats, texts: Texts, seed: int = 0) -> list[Name]:
    """One a feature. Terms are weighted as in class-based TF-IDF (BERTopic, arXiv 2203.05794), each
    feature's two sides being the classes, and a response counting once."""
    read = Terms(texts)
    rng = np.random.default_rng(seed)
    tops = [strongest(column) for column in activations.T]
    counted = [sides(activations[:, f], rows, read) for f, rows in enumerate(tops)]
    everywhere: Counter[str] = Counter()
    for more, less in counted:
        everywhere += more
        everywhere += less
    average = sum(everywhere.values()) / max(2 * len(counted), 1)
    found: list[Name] = []
    for f, (more, less) in enumerate(counted):
        size = max(len(tops[f]), 1)
        said = distinguishing(more, less, everywhere, average, size)
        against = distinguishing(less, more, everywhere, average, size)
        others = np.setdiff1d(np.flatnonzero(activations[:, f]), tops[f])
        rows = np.sort(rng.permutation(others)[:MOST])
        r, p = follows(activations[rows, f], rows, said, against, read)
        holds = bool(said or against) and r > 0 and p < SIGNIFICANT / len(counted)
        found.append(Name(said, against, r, len(rows), holds))
    return found


class Terms:
    """Remembers the words of the responses it was asked for."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self.known: dict[int, tuple[frozenset[str], frozenset[str]]] = {}

    def __call__(self, row: int) -> tuple[frozenset[str], frozenset[str]]:
        if row not in self.known:
            a, b = self.texts[row]
            self.known[row] = terms(a), terms(b)
        return self.known[row]


def terms(text: str) -> frozenset[str]:
    return frozenset(WORD.findall(text[:CHARACTERS].lower().replace("’", "'")))


def strongest(column: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Rows of the largest |activation|, strongest first."""
    active = np.flatnonzero(column)
    wanted = min(max(int(len(active) * TOP), LEAST), MOST)
    return active[np.argsort(-np.abs(column[active]), kind="stable")[:wanted]]


def sides(column: Floats, rows: Iterable[int], read: Terms) -> tuple[Counter[str], Counter[str]]:
    """In how many rows a term is only in the response with more of the feature; with less."""
    more: Counter[str] = Counter()
    less: Counter[str] = Counter()
    for row in rows:
        rich, poor = read(row) if column[row] > 0 else read(row)[::-1]
        more.update(rich - poor)
        less.update(poor - rich)
    return more, less


def distinguishing(
    here: Counter[str], there: Counter[str], everywhere: Counter[str], average: float, size: int
) -> tuple[str, ...]:
    """The terms of one side, most telling first."""
    weights: dict[str, float] = {}
    for term, count in here.items():
        net, both = count - there[term], count + there[term]
        if count >= FEWEST and net / np.sqrt(both) >= SURPRISE:
            weights[term] = net / size * float(np.log1p(average / everywhere[term]))
    return tuple(sorted(weights, key=lambda term: (-weights[term], term))[:TERMS])


def follows(
    column: Floats, rows: Iterable[int], more: Sequence[str], less: Sequence[str], read: Terms
) -> tuple[float, float]:
    """Correlation through the origin of activation and terms, which exchanging a and b leaves as
    it is, and its p-value against none; 0 and 1 where nothing can be said."""
    value = np.array([score(*read(row), more, less) for row in rows], np.float64)
    scale = float(np.sqrt((value**2).sum() * (column**2).sum()))
    if len(value) < 3 or scale == 0:
        return 0.0, 1.0
    r = float((value * column).sum()) / scale
    size = abs(r) * np.sqrt((len(value) - 1) / max(1 - r * r, 1e-12))
    return r, float(2 * student.sf(size, len(value) - 1))


def score(a: frozenset[str], b: frozenset[str], more: Sequence[str], less: Sequence[str]) -> int:
    towards = sum((term in a) - (term in b) for term in more)
    return towards - sum((term in a) - (term in b) for term in less)
