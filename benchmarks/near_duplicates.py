"""Near-duplicates beside rensa: the same pairs, in how much less time?

    python -m benchmarks.near_duplicates [--rows 20000] [--repeats 3] [--json FILE]

Texts of about 1.1 kB, a twentieth of them near-duplicates of others; 5-word shingles, Jaccard index
>= 0.8. rensa (`pip install rensa`): R-MinHash of 128 permutations and its LSH of 16 bands, fed with
the shingles that Python makes, as its README does. Its candidates are verified here outside of its
time, so that both sides are pairs that are alike indeed. Alternately in one run; CPU seconds, since
other programs share the machine; the ratio is the median over the repeats, with lowest and highest.
"""

import argparse
import importlib
import importlib.util
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import Figures, rounds
from curation.grouping.sketches import similar

WORDS, THRESHOLD, PERMUTATIONS, BANDS = 5, 0.8, 128, 16
WORD = re.compile(r"\w+")

Pairs = set[tuple[int, int]]


def documents(rows: int, seed: int) -> list[str]:
    """Words drawn by Zipf's law; one text in 20 is another one with up to 4 % of its words new."""
    rng = np.random.default_rng(seed)
    letters = rng.integers(97, 123, (50_000, 9)).astype(np.uint8)
    sizes = rng.integers(2, 10, 50_000)
    vocabulary = [bytes(row[:size]).decode() for row, size in zip(letters, sizes, strict=True)]
    chances = 1 / (np.arange(50_000) + 10)
    drawn = rng.choice(50_000, (rows, 250), p=chances / chances.sum())
    lengths = rng.integers(100, 251, rows)
    found: list[str] = []
    for row, length in zip(drawn, lengths.tolist(), strict=True):
        words = [vocabulary[word] for word in row[:length].tolist()]
        if found and rng.random() < 0.05:
            words = found[int(rng.integers(len(found)))].split()
            for _ in range(int(rng.integers(0, max(len(words) // 25, 1)))):
                words[int(rng.integers(len(words)))] = vocabulary[int(rng.integers(50_000))]
        found.append(" ".join(words))
    return found


def shingles(text: str) -> list[str]:
    words = WORD.findall(text.casefold())
    return [" ".join(words[at : at + WORDS]) for at in range(len(words) - WORDS + 1)] or words


def ours(texts: Sequence[str]) -> Pairs:
    return {(one, other) for one, other in similar(texts, THRESHOLD, WORDS).pairs.tolist()}


def theirs(texts: Sequence[str]) -> Pairs:
    rensa: Any = importlib.import_module("rensa")
    lsh = rensa.RMinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS, num_bands=BANDS)
    found: Pairs = set()
    for number, text in enumerate(texts):
        sketch = rensa.RMinHash(num_perm=PERMUTATIONS, seed=42)
        sketch.update(shingles(text))
        found.update((other, number) for other in lsh.query(sketch))
        lsh.insert(number, sketch)
    return found


def verified(texts: Sequence[str], pairs: Pairs) -> Pairs:
    def alike(one: set[str], other: set[str]) -> bool:
        return len(one & other) >= THRESHOLD * len(one | other)

    return {
        (a, b) for a, b in pairs if alike(set(shingles(texts[a])), set(shingles(texts[b])))
    }  # fmt: skip


def timed(run: Callable[[Sequence[str]], Pairs], texts: Sequence[str]) -> tuple[float, Pairs]:
    start = time.process_time()
    found = run(texts)
    return time.process_time() - start, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    asked = parser.parse_args()
    figures = Figures(asked.json)
    texts = documents(asked.rows, 0)
    print(f"{len(texts):,} texts of {sum(map(len, texts)) / len(texts):,.0f} characters")
    ours(texts)  # tables of characters, fresh memory
    if importlib.util.find_spec("rensa") is None:
        seconds, found = timed(ours, texts)
        print(f"prefsift {len(texts) / seconds:,.0f} texts a CPU second, {len(found):,} pairs")
        print("rensa is not installed: pip install rensa")
        return
    ratios: list[float] = []
    theirs(texts)
    for _ in rounds(asked.repeats, "prefsift, then rensa"):
        (mine, found), (peer, candidates) = timed(ours, texts), timed(theirs, texts)
        other = verified(texts, candidates)
        ratios.append(peer / mine)
        figures.add(
            f"prefsift {len(texts) / mine:,.0f} texts a CPU second, {len(found):,} pairs;"
            f" rensa {len(texts) / peer:,.0f}, {len(other):,} pairs that are alike of"
            f" {len(candidates):,}; rensa's that prefsift lacks {len(other - found):,}, prefsift's"
            f" that rensa lacks {len(found - other):,}; ratio {peer / mine:.1f}",
            ours_seconds=mine, peer_seconds=peer, lacking=len(other - found),
            more=len(found - other), ratio=peer / mine,
        )  # fmt: skip
    ratio = float(np.median(ratios))
    figures.add(f"ratio {ratio:.1f} ({min(ratios):.1f}..{max(ratios):.1f})", median=ratio)


if __name__ == "__main__":
    main()
