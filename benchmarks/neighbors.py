"""Exact nearest neighbours beside faiss Flat: the same neighbours, in how much less time?

    python -m benchmarks.neighbors [--rows 20000] [--dimensions 384] [--k 10] [--queries ROWS]
        [--json FILE]

Every row's k nearest others. Alternately in one run; CPU seconds, since other programs share the
machine; the ratio is the median over the repeats, with the lowest and highest. Recall: the share of
faiss' neighbours that are found, where one at the same distance is as good.
"""

import argparse
import resource
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.figures import Figures, rounds
from curation.models.device import computes_bfloat16, limit_threads
from curation.models.neighbors import nearest

Vectors = NDArray[np.float32]
Distances = NDArray[np.float32]  # (queries, k), ascending


def clusters(n: int, d: int, seed: int) -> Vectors:
    """Unit vectors around 400 centres, some near, some far from theirs."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(400, d)).astype(np.float32)[rng.integers(0, 400, n)]
    vectors += rng.normal(size=(n, d)).astype(np.float32) * rng.uniform(0.1, 1.2, (n, 1))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def ours(vectors: Vectors, asked: int, k: int) -> Distances:
    return nearest(vectors[:asked], vectors, k, np.arange(asked), "cpu").distances


def theirs(vectors: Vectors, asked: int, k: int) -> Distances:
    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    squares, _ = index.search(vectors[:asked], k + 1)  # the first is the row itself
    return np.sqrt(np.maximum(squares[:, 1:], 0))


def timed(
    run: Callable[[Vectors, int, int], Distances], vectors: Vectors, asked: int, k: int
) -> tuple[float, Distances]:
    start = time.process_time()
    found = run(vectors, asked, k)
    return time.process_time() - start, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--queries", type=int, help="rows that are asked for; all if left out")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    asked = parser.parse_args()
    figures = Figures(asked.json)
    limit_threads()
    faiss.omp_set_num_threads(torch.get_num_threads())
    vectors = clusters(asked.rows, asked.dimensions, 0)
    queries = min(asked.queries or asked.rows, asked.rows)
    units = "has" if computes_bfloat16(torch.device("cpu")) else "lacks"
    print(f"{queries:,} queries of {len(vectors):,} x {asked.dimensions}; the CPU {units} bfloat16")
    ours(vectors[:5000], 100, asked.k)
    ratios: list[float] = []
    for _ in rounds(asked.repeats, "prefsift, then faiss"):
        mine, found = timed(ours, vectors, queries, asked.k)
        peer, expected = timed(theirs, vectors, queries, asked.k)
        ratios.append(peer / mine)
        recall = float((found <= expected[:, -1:] + 1e-4).mean())
        figures.add(
            f"prefsift {mine:.2f} CPU s, faiss Flat {peer:.2f}; recall@{asked.k} {recall:.6f};"
            f" ratio {peer / mine:.2f}",
            ours_seconds=mine, peer_seconds=peer, recall=recall, ratio=peer / mine,
        )  # fmt: skip
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    ratio = float(np.median(ratios))
    figures.add(
        f"ratio {ratio:.2f} ({min(ratios):.2f}..{max(ratios):.2f}), {peak:.2f} GiB",
        median=ratio, peak_gib=peak,
    )  # fmt: skip


if __name__ == "__main__":
    main()
