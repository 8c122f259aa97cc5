"""Approximate nearest neighbours of many vectors, with the recall that was measured.

Exact search of n vectors among themselves takes n² products: hours for a million on a CPU. Lists of
vectors around centres are searched a few at a time instead (an inverted file, arXiv:1702.08734).
"""

import math

import faiss
import numpy as np
import torch
from numpy.typing import NDArray

from curation.items import Floats
from curation.models.device import limit_threads
from curation.models.grouped_lists import GroupedLists
from curation.models.half_products import fits
from curation.models.neighbors import Neighbors, nearest, ranked, without_self

TRAINING = 64  # vectors a centre is learnt from
BLOCK = 16_384
SAMPLE = 500  # queries that are searched exactly, too


class InvertedLists:
    """2√n lists of the vectors nearest to each centre; `probes` of them are read for a query.

    Of unit vectors all queries of a list are answered together, where the CPU computes bfloat16;
    of others each by faiss.
    """

    def __init__(self, vectors: Floats, probes: int = 24, seed: int = 0) -> None:
        limit_threads()
        faiss.omp_set_num_threads(torch.get_num_threads())
        self.vectors = np.ascontiguousarray(vectors, np.float32)
        count, width = self.vectors.shape
        lists = max(1, min(count, 2 * math.isqrt(count)))
        self.grouped = None
        if fits(self.vectors, self.vectors, 1):
            self.grouped = GroupedLists(self.vectors, lists, min(probes, lists), seed)
            return
        rng = np.random.default_rng(seed)
        self.coarse = faiss.IndexFlatL2(width)
        self.index = faiss.IndexIVFScalarQuantizer(
            self.coarse, width, lists, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_L2, False
        )
        self.index.cp.seed = seed
        sample = rng.choice(count, min(count, TRAINING * lists), replace=False)
        self.index.train(self.vectors[np.sort(sample)])
        for start in range(0, count, BLOCK):
            self.index.add(self.vectors[start : start + BLOCK])
        self.index.nprobe = min(probes, lists)

    def nearest(
        self, queries: Floats, k: int, exclude: NDArray[np.int64] | None = None
    ) -> Neighbors:
        """As `neighbors.nearest`, nearly: distances are exact, a neighbour may have been missed."""
        queries = np.ascontiguousarray(queries, np.float32)
        own = np.full(len(queries), -1, np.int64) if exclude is None else exclude
        available = len(self.vectors) - (1 if (own >= 0).any() else 0)
        wanted = max(min(k, available), 0)
        if len(queries) == 0 or wanted == 0:
            return nearest(queries, self.vectors, wanted, exclude)
        asked = min(wanted + 1, len(self.vectors))
        if self.grouped is not None:
            return self.grouped.nearest(queries, wanted, own)
        parts = [
            self.block(queries[i : i + BLOCK], own[i : i + BLOCK], asked, wanted)
            for i in range(0, len(queries), BLOCK)
        ]
        return Neighbors(
            np.vstack([part.distances for part in parts]), np.vstack([part.rows for part in parts])
        )

    def block(self, queries: Floats, own: NDArray[np.int64], asked: int, wanted: int) -> Neighbors:
        _, rows = self.index.search(queries, asked)
        rows = np.asarray(rows, np.int64)
        short = np.flatnonzero((rows < 0).any(axis=1))  # its lists held too few
        found = without_self(rows, own)[:, :wanted]
        if len(short):
            found[short] = nearest(queries[short], self.vectors, wanted, own[short], "cpu").rows
        return ranked(queries, self.vectors, found)

    def recall(self, k: int, seed: int = 0) -> float:
        """Measured on sampled vectors of the index, each beside its exact neighbours."""
        rng = np.random.default_rng(seed)
        rows = np.sort(rng.choice(len(self.vectors), min(SAMPLE, len(self.vectors)), replace=False))
        exact = nearest(self.vectors[rows], self.vectors, k, rows, "cpu")
        near = self.nearest(self.vectors[rows], k, rows)
        if not exact.rows.size:
            return 1.0
        # By distance, not by row: of equal vectors any is as near.
        bound = exact.distances[:, -1:] * np.float32(1 + 1e-5)
        return float((near.distances <= bound).mean())
