"""Pairs off two streams of pairs on disk: what both have, what was turned, what one has alone."""

import sqlite3
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

A, B = 0, 1
CACHE_KIB = 32 << 10
TABLE = (
    "CREATE TABLE entries (key BLOB, side INT, pair_id TEXT, toward INT, split TEXT, scores BLOB)"
)
INSERT = "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)"
SORTED = "SELECT * FROM entries ORDER BY key, pair_id, toward, split, scores"


class Entry(NamedTuple):
    """`toward` says which of the two texts is chosen; `scores` are doubles, NaN for a missing."""

    key: bytes
    side: int
    pair_id: str
    toward: int
    split: str
    scores: bytes


class Match(NamedTuple):
    """The two entries of a pair; None where one side has none."""

    a: Entry | None
    b: Entry | None

    @property
    def flipped(self) -> bool:
        return self.a is not None and self.b is not None and self.a.toward != self.b.toward


class Matching:
    """A temporary database on disk, so that pairs need not all be in memory."""

    def __init__(self) -> None:
        self.database = sqlite3.connect("", check_same_thread=False)
        self.database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self.database.execute("PRAGMA journal_mode = OFF")
        self.database.execute(TABLE)

    def add(self, entries: Iterator[Entry]) -> None:
        self.database.executemany(INSERT, entries)

    def matches(self) -> Iterator[Match]:
        """By key; each entry once."""
        found = map(Entry._make, self.database.execute(SORTED))
        for _, group in groupby(found, lambda entry: entry.key):
            entries = [*group]
            sides = [[each for each in entries if each.side == side] for side in (A, B)]
            yield from pair_off(*sides)

    def close(self) -> None:
        self.database.close()


# From the closest likeness to the least: the same texts can be there several times.
LIKENESSES: Sequence[Callable[[Entry], Any]] = (
    lambda entry: entry[2:],
    lambda entry: (entry.pair_id, entry.toward),
    lambda entry: entry.toward,
    lambda _: None,
)


def pair_off(a: list[Entry], b: list[Entry]) -> Iterator[Match]:
    """Entries of one key. Which side is called A changes nothing else."""
    for alike in LIKENESSES:
        if not a or not b:
            break
        waiting: dict[Any, list[Entry]] = {}
        for entry in reversed(b):
            waiting.setdefault(alike(entry), []).append(entry)
        left: list[Entry] = []
        for entry in a:
            if partners := waiting.get(alike(entry)):
                yield Match(entry, partners.pop())
            else:
                left.append(entry)
        a = left
        b = sorted(entry for partners in waiting.values() for entry in partners)
    yield from (Match(entry, None) for entry in a)
    yield from (Match(None, entry) for entry in b)


def packed(values: Sequence[float | None]) -> bytes:
    return array("d", [float("nan") if value is None else value for value in values]).tobytes()


def unpacked(scores: bytes) -> Sequence[float]:
    found = array("d")
    found.frombytes(scores)
    return found
