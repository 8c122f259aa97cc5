"""What is kept of a prompt's words, 116 bytes, so that prompts alike are found without their texts.

MinHash in bands (Broder 1997; Leskovec et al. 2014, ch. 3).
"""

import re
import zlib
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from curation.grouping.prompts import Messages, prompt_text, root_key

BANDS, ROWS = 25, 5  # at a Jaccard index of 0.8 a pair is missed once in 20,000
SEED = 1
MIX = np.uint64(0x9E3779B97F4A7C15)
# A word; where a script puts no space between words, a character.
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")

# `root`: of the conversation tree. `words`: of the set of word pairs, 0 where there is no word.
# `bands`: two texts of Jaccard index s agree in one of them with probability 1 - (1 - s^5)^25.
FINGERPRINT = np.dtype([("root", "<u8"), ("words", "<u8"), ("bands", "<u4", (BANDS,))])

Shingles: TypeAlias = frozenset[str]
Prints: TypeAlias = NDArray[Any]  # of FINGERPRINT


def shingles(text: str) -> Shingles:
    """Pairs of neighbouring words without regard to case and punctuation; a lone word itself."""
    words = WORD.findall(text.casefold())
    return frozenset(map(" ".join, pairwise(words))) or frozenset(words)


def encoded(text: str) -> list[bytes]:
    return [each.encode("utf-8", "surrogatepass") for each in sorted(shingles(text))]


def numbers(text: str) -> NDArray[np.uint32]:
    """Its shingles as numbers, ascending."""
    found = np.fromiter(map(zlib.crc32, encoded(text)), np.uint32)
    return np.unique(found)


def fingerprints(prompts: Sequence[Messages]) -> Prints:
    found = of_texts([prompt_text(messages) for messages in prompts])
    found["root"] = [number(root_key(messages).encode()) for messages in prompts]
    return found


def of_texts(texts: Sequence[str]) -> Prints:
    """Without the root of a conversation."""
    from datasketch import MinHash  # a second to load: only where it is used

    sets = [encoded(text) for text in texts]
    found = np.zeros(len(texts), FINGERPRINT)
    found["words"] = [number(b"\0".join(each)) if each else 0 for each in sets]
    hashed = MinHash.generator(sets, num_perm=BANDS * ROWS, seed=SEED, hashfunc=zlib.crc32)
    rows = [np.asarray(each.hashvalues, np.uint64) for each in hashed]
    minima = np.array(rows, np.uint64).reshape(-1, BANDS, ROWS)
    mixed = np.zeros((len(texts), BANDS), np.uint64)
    for row in range(ROWS):
        mixed = (mixed ^ minima[:, :, row]) * MIX
        mixed ^= mixed >> np.uint64(29)
    found["bands"] = (mixed >> np.uint64(32)).astype(np.uint32)
    return found


def number(said: bytes) -> int:
    """8 bytes keep a million apart but once in 10^7 times."""
    return int.from_bytes(blake2b(said, digest_size=8).digest()) or 1


def agreeing(values: NDArray[Any], indices: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Those of the indices (of two and more) whose values are equal, each group ascending."""
    found = values[indices]
    order = np.argsort(found, kind="stable")
    ends = np.flatnonzero(np.diff(found[order])) + 1
    for run in np.split(indices[order], ends):
        if len(run) > 1:
            yield run
