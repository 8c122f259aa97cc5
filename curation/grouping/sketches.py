"""All near-duplicates among many texts: bottom-k sketches name the candidates, the sets decide.

The k smallest hashes of a set are a sample of it (Broder 1997, "On the resemblance and containment
of documents"); texts alike share most of them, and one of their rarest (prefix filter, Xiao et al.
2008, "Efficient similarity joins for near duplicate detection").
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.grouping.shingling import BITS, Hashes, Places, shingles_of

SKETCH = 24  # hashes of a set that are kept
SAMPLE = 50  # that are looked at to find them
MISSED = 1e-4  # of the pairs that are just alike, where sets are larger than a sketch
CROWD = 50  # texts with a rare shingle in common that each is compared with
PAIRS = 4096  # candidates that are looked at together
OWNER_BITS = 24
SMALL = 1e-9


class Alike(NamedTuple):
    """`pairs` (n, 2), each once, the lower index first; `similarity` (n,): their Jaccard index."""

    pairs: Places
    similarity: NDArray[np.float64]


class Sketches(NamedTuple):
    """(n, 24) hashes, ascending, each row filled up with what no other row has; `sizes` (n,)."""

    hashes: Hashes
    sizes: Places


def similar(texts: Sequence[str], threshold: float, words: int = 2) -> Alike:
    """Pairs of texts whose sets of word n-grams have a Jaccard index >= threshold, 0 < threshold.

    Exact for sets of up to 24 threshold shingles; of larger ones that are just alike one in 10,000
    is missed. A text without a word is like no other. Where more than 50 texts share the same rare
    words, each is compared with the 50 nearest to it by their smallest hash.
    """
    sketches = sketch(texts, words)
    return decided(candidates(sketches, threshold), texts, threshold, words)


def sketch(texts: Sequence[str], words: int = 2) -> Sketches:
    hashes = np.empty((len(texts), SKETCH), np.uint64)
    hashes[:] = (np.arange(len(texts), dtype=np.uint64) | np.uint64(1 << 63))[:, None]
    sizes, at = np.zeros(len(texts), np.int64), 0
    for found in shingles_of(texts, words):
        counts = np.diff(found.offsets)
        owners, smallest = smallest_of(found.hashes, counts, SAMPLE)
        short = (np.bincount(owners, minlength=len(counts)) < SKETCH) & (counts > SAMPLE)
        if short.any():  # by chance, or since the text repeats itself
            kept = ~short[owners]
            again = np.repeat(short, counts)
            other = smallest_of(found.hashes[again], np.where(short, counts, 0), None)
            owners = np.concatenate([owners[kept], other[0]])
            smallest = np.concatenate([smallest[kept], other[1]])
            order = np.argsort(owners, kind="stable")
            owners, smallest = owners[order], smallest[order]
        sizes[at : at + len(counts)] = own = np.bincount(owners, minlength=len(counts))
        rank = np.arange(len(owners)) - np.repeat(own.cumsum() - own, own)
        hashes[at + owners, rank] = smallest
        at += len(counts)
    return Sketches(hashes, sizes)


def smallest_of(hashes: Hashes, counts: Places, sample: int | None) -> tuple[Places, Hashes]:
    """Owner and value of at most 24 different ones of each text, ascending. Only those are looked
    at of which a text of so many is expected to have `sample`."""
    if sample is not None:
        share = np.minimum(sample / np.maximum(counts, 1), 1.0)
        bounds = (share * (1 << BITS)).astype(np.uint64)
        kept = np.flatnonzero(hashes < np.repeat(bounds, counts))
        hashes = hashes[kept]
        counts = np.diff(np.searchsorted(kept, counts.cumsum()), prepend=0)
    owners = np.repeat(np.arange(len(counts), dtype=np.uint64), counts)
    keys = distinct((owners << np.uint64(BITS)) | hashes)
    found = (keys >> np.uint64(BITS)).astype(np.int64)
    own = np.bincount(found, minlength=len(counts))
    first = np.arange(len(found)) - np.repeat(own.cumsum() - own, own) < SKETCH
    return found[first], keys[first] & np.uint64((1 << BITS) - 1)


def candidates(sketches: Sketches, threshold: float) -> Places:
    """(n, 2): each pair once whose sketches share as much as those of sets that are alike do."""
    needed = shared_at_least(threshold)[sketches.sizes]
    hashes, owners = rarest(sketches, sketches.sizes - needed + 1)
    order = np.lexsort((sketches.hashes[owners, 0], hashes))
    found = neighbours(hashes[order], owners[order])
    parts = [np.zeros((0, 2), np.int64)]
    for start in range(0, len(found), PAIRS):
        one, other = found[start : start + PAIRS].T
        both = (sketches.hashes[one][:, :, None] == sketches.hashes[other][:, None, :]).sum((1, 2))
        enough = both >= np.minimum(needed[one], needed[other])
        parts.append(found[start : start + PAIRS][enough])
    return np.concatenate(parts)


def shared_at_least(threshold: float) -> Places:
    """By the size of a sketch: how many of its hashes one that is alike has, too."""
    from scipy.stats import binom  # a second to load: only where it is used

    sizes = np.arange(SKETCH + 1)
    exact = np.ceil(threshold * sizes - SMALL)
    sampled = binom.ppf(MISSED, sizes, threshold)
    return np.maximum(np.where(sizes <= threshold * SKETCH, exact, sampled), 1).astype(np.int64)


def rarest(sketches: Sketches, lengths: Places) -> tuple[Hashes, Places]:
    """Hash (40 bits of it) and owner of those among the rarest `lengths` of a text that some other
    text has, too; owners have 24 bits."""
    n = len(sketches.sizes)
    if n >= 1 << OWNER_BITS:
        raise ValueError(f"{n:,} texts: near-duplicates are looked for among at most 16 million")
    held = np.arange(SKETCH) < sketches.sizes[:, None]
    owners = np.repeat(np.arange(n, dtype=np.uint64), sketches.sizes)
    low = np.uint64(OWNER_BITS)
    keys = np.sort(((sketches.hashes[held] >> np.uint64(BITS + OWNER_BITS - 64)) << low) | owners)
    keys = keys[repeated(keys >> low)]
    values, owners = keys >> low, (keys & np.uint64((1 << OWNER_BITS) - 1)).astype(np.int64)
    starts = np.flatnonzero(np.append(True, values[1:] != values[:-1])[: len(values)])
    counts = np.diff(np.append(starts, len(values)))
    lone = sketches.sizes - np.bincount(owners, minlength=n)
    more = (lone < lengths)[owners]
    values, owners, often = values[more], owners[more], np.repeat(counts, counts)[more]
    order = np.lexsort((values, often, owners))
    values, owners = values[order], owners[order]
    own = np.bincount(owners, minlength=n)
    rank = np.arange(len(owners)) - np.repeat(own.cumsum() - own, own)
    kept = rank < (lengths - lone)[owners]
    return values[kept], owners[kept]


def repeated(values: Hashes) -> Places:
    """Where the ascending values are that occur more than once."""
    same = values[1:] == values[:-1]
    found = np.zeros(len(values), np.bool_)
    found[1:] = same
    found[:-1] |= same
    return np.flatnonzero(found)


def neighbours(hashes: Hashes, owners: Places) -> Places:
    """Pairs of owners of one hash that stand at most 50 places apart."""
    parts: list[Hashes] = []
    at = np.arange(len(hashes))
    for step in range(1, CROWD + 1):
        at = at[at + step < len(hashes)]
        at = at[hashes[at] == hashes[at + step]]
        if not len(at):
            break
        ends = np.sort(np.stack([owners[at], owners[at + step]]), axis=0).astype(np.uint64)
        parts.append(ends[0] << np.uint64(32) | ends[1])
    if not parts:
        return np.zeros((0, 2), np.int64)
    keys = distinct(np.concatenate(parts))
    found = np.stack([keys >> np.uint64(32), keys & np.uint64(0xFFFFFFFF)], axis=1)
    return found[found[:, 0] != found[:, 1]].astype(np.int64)


def decided(found: Places, texts: Sequence[str], threshold: float, words: int = 2) -> Alike:
    """Those of the candidates that are alike."""
    similarity = np.zeros(len(found))
    for start in range(0, len(found), PAIRS):
        ends, which = np.unique(found[start : start + PAIRS], return_inverse=True)
        rows: list[int] = ends.tolist()
        sets = whole_sets([texts[row] for row in rows], words)
        similarity[start : start + PAIRS] = jaccard(*sets, which.reshape(-1, 2))
    alike = similarity >= threshold - SMALL
    return Alike(found[alike], similarity[alike])


def whole_sets(texts: Sequence[str], words: int) -> tuple[Hashes, Places]:
    """The different hashes of each text, and where each text's begin and end."""
    parts: list[Hashes] = [np.zeros(0, np.uint64)]
    sizes: list[Places] = [np.zeros(1, np.int64)]
    for found in shingles_of(texts, words):
        counts = np.diff(found.offsets)
        owners = np.repeat(np.arange(len(counts), dtype=np.uint64), counts)
        keys = distinct(owners << np.uint64(BITS) | found.hashes)
        parts.append(keys & np.uint64((1 << BITS) - 1))
        sizes.append(np.bincount((keys >> np.uint64(BITS)).astype(np.int64), minlength=len(counts)))
    return np.concatenate(parts), np.concatenate(sizes).cumsum()


def jaccard(hashes: Hashes, offsets: Places, pairs: Places) -> NDArray[np.float64]:
    """Of at most 4,096 pairs of sets."""
    sizes = np.diff(offsets)[pairs]
    numbers = np.arange(len(pairs), dtype=np.uint64) << np.uint64(BITS)
    keys = np.concatenate([
        hashes[members(offsets[:-1][pairs[:, side]], sizes[:, side])]
        | np.repeat(numbers, sizes[:, side])
        for side in (0, 1)
    ])  # fmt: skip
    keys.sort()
    twice = keys[1:][keys[1:] == keys[:-1]] >> np.uint64(BITS)
    shared = np.bincount(twice.astype(np.int64), minlength=len(pairs))
    return shared / np.maximum(sizes.sum(axis=1) - shared, 1)


def distinct(keys: Hashes) -> Hashes:
    """Ascending; several times faster than `np.unique`, which hashes."""
    keys = np.sort(keys)
    return keys[np.append(True, keys[1:] != keys[:-1])] if len(keys) else keys


def members(starts: Places, sizes: Places) -> Places:
    """start, start + 1, …, as many as the size says, for one after the other."""
    return np.repeat(starts - (sizes.cumsum() - sizes), sizes) + np.arange(sizes.sum())
