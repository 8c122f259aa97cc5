"""Texts that repeat a benchmark's: word n-grams in common, and where they stand.

13 words, as in Brown et al. 2020 (arXiv:2005.14165, appendix C).
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.grouping.fingerprints import WORD
from curation.grouping.shingling import Hashes, shingles_of

WORDS = 13
LEAST = 5  # words of an item that is looked for; what is shorter, everybody says

Places = NDArray[np.int64]


class Hit(NamedTuple):
    """Text and item have `ngrams` in common, `share` 0..1 of those of the item. Words `start` to
    `end` (exclusive) of the text are the longest run of them. The text has n-grams in common with
    `of` items, not all of which need be hits."""

    text: int
    item: int
    ngrams: int
    share: float
    start: int
    end: int
    of: int


class Grams(NamedTuple):
    """N-grams of `words` words, ascending, and the item of each."""

    words: int
    hashes: Hashes
    items: Places


class Benchmark:
    """Items by their n-grams. One of 5 to `words` − 1 words is looked for as a whole; `short` is
    how many are shorter and not looked for."""

    def __init__(self, texts: Sequence[str], words: int = WORDS) -> None:
        if words < LEAST:
            raise ValueError(f"n-grams of at least {LEAST} words")
        by_length: dict[int, list[int]] = defaultdict(list)
        for item, text in enumerate(texts):
            by_length[min(len(WORD.findall(text.casefold())), words)].append(item)
        self.short = sum(len(items) for length, items in by_length.items() if length < LEAST)
        self.sizes = np.zeros(len(texts), np.int64)
        self.tables: list[Grams] = []
        for length, items in sorted(by_length.items()):
            if length >= LEAST:
                self.tables.append(self.grams([texts[item] for item in items], items, length))

    def grams(self, texts: Sequence[str], items: Sequence[int], words: int) -> Grams:
        hashes, owners = grams_of(texts, words)
        of = np.array(items, np.int64)[owners]
        order = np.lexsort((of, hashes))
        hashes, of = hashes[order], of[order]
        first = np.append(True, (hashes[1:] != hashes[:-1]) | (of[1:] != of[:-1]))
        np.add.at(self.sizes, of[first], 1)
        return Grams(words, hashes[first], of[first])

    def hits(self, texts: Sequence[str], most: int | None = None) -> list[Hit]:
        """By text, then by the share of the item that is repeated, the largest first; of each text
        the `most` that repeat the largest shares. An n-gram that all items share is no trap: what
        is held grows with one text's n-grams, not with all texts'."""
        found: dict[int, list[Hit]] = defaultdict(list)
        counts: dict[int, int] = defaultdict(int)
        for table in self.tables:
            hashes, owners = grams_of(texts, table.words)
            place = np.arange(len(owners)) - np.searchsorted(owners, owners)
            low = np.searchsorted(table.hashes, hashes)
            high = np.searchsorted(table.hashes, hashes, side="right")
            there = np.flatnonzero(high > low)
            for rows in np.split(there, np.flatnonzero(np.diff(owners[there])) + 1):
                if len(rows):
                    text = int(owners[rows[0]])
                    spans = np.stack([low[rows], high[rows]], axis=1)
                    hits, many = self.of_text(text, table, spans, place[rows], most)
                    found[text] += hits
                    counts[text] += many
        ordered: list[Hit] = []
        for text, hits in sorted(found.items()):
            best = sorted(hits, key=lambda hit: (-hit.share, -hit.ngrams, hit.item))[:most]
            best.sort(key=lambda hit: (-hit.share, hit.item))
            ordered += [hit._replace(of=counts[text]) for hit in best]
        return ordered

    def of_text(
        self, text: int, table: Grams, spans: Places, places: Places, most: int | None
    ) -> tuple[list[Hit], int]:
        """The items that share most with one text, and how many share anything. `spans`, (n, 2):
        where the entries of each of the text's n-grams lie in the table."""
        distinct = np.unique(spans, axis=0)
        entries = np.concatenate([table.items[low:high] for low, high in distinct])
        items, ngrams = np.unique(entries, return_counts=True)
        shares = ngrams / self.sizes[items]
        best = np.lexsort((items, -ngrams, -shares))[:most]
        hits: list[Hit] = []
        for item, count, share in zip(items[best], ngrams[best], shares[best], strict=True):
            own = [bool(holds(table.items[low:high], item)) for low, high in spans]
            start, end = longest(sorted(places[own].tolist()))
            hits.append(
                Hit(text, int(item), int(count), float(share), start, end + table.words, 0)
            )  # fmt: skip
        return hits, len(items)


def holds(ascending: Places, value: int) -> bool:
    at = int(np.searchsorted(ascending, value))
    return at < len(ascending) and ascending[at] == value


def grams_of(texts: Sequence[str], words: int) -> tuple[Hashes, Places]:
    """Of all texts in their order, with the text of each."""
    parts, owners, at = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)], 0
    for found in shingles_of(texts, words):
        counts = np.diff(found.offsets)
        parts.append(found.hashes)
        owners.append(np.repeat(np.arange(at, at + len(counts)), counts))
        at += len(counts)
    return np.concatenate(parts), np.concatenate(owners)


def longest(places: Sequence[int]) -> tuple[int, int]:
    """First and last of the longest run of neighbours, the first one of equals."""
    best = run = (places[0], places[0])
    for place in places[1:]:
        run = (run[0], place) if place == run[1] + 1 else (place, place)
        best = max(best, run, key=lambda each: each[1] - each[0])
    return best


def span(text: str, start: int, end: int) -> tuple[int, int]:
    """Characters from the first of these words to the end of the last one."""
    words = list(WORD.finditer(text))
    return words[start].start(), words[min(end, len(words)) - 1].end()
