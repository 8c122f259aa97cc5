"""Selectors beside their peers: the same subset or a better one, and in how much less time?

    python -m benchmarks.selectors [--rows 10000] [--keep 2000] [--cover 1000] [--repeats 3]
        [--deita src/deita/selection/filter/base.py] [--large 0] [--json FILE]

DEITA's filter against its public code, where `--deita` names that file of its repository, else
against its loop (rewritten here with the same operations: for each candidate the kept vectors are
gathered from float64, cast, normalised twice and multiplied, in torch);
facility location against apricot-select and submodlib-py where they are installed
(`pip install apricot-select submodlib-py`; submodlib takes minutes and runs once), else against a
plain dense lazy greedy. Alternately in one run; CPU seconds, since other programs share the
machine; the ratio is the median over the repeats, with the lowest and highest.
"""

import argparse
import contextlib
import heapq
import importlib
import importlib.util
import io
import resource
import runpy
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.figures import Figures, rounds, working
from curation.selectors import Pool, Selector
from curation.selectors.deita_repr_filter import DeitaReprFilter
from curation.selectors.facility_location import FacilityLocation
from curation.selectors.k_center import KCenter

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]


def clusters(n: int, d: int, seed: int) -> Vectors:
    """Unit vectors around 400 centres, some near, some far from theirs."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(400, d))[rng.integers(0, 400, n)]
    vectors += rng.normal(size=(n, d)) * rng.uniform(0.1, 1.2, (n, 1))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def pool_of(vectors: Vectors, quality: NDArray[np.float64]) -> Pool:
    ids = [f"{i:07}" for i in range(len(vectors))]
    return Pool(ids, ids, ids, {"quality": quality}, vectors)


def public_loop(vectors: Vectors, quality: NDArray[np.float64], tau: float, k: int) -> Rows:
    order = np.argsort(-quality, kind="stable")
    table = vectors[order].astype(np.float64)
    kept = [0]

    def cosines(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        for _ in range(2):
            a, b = a / a.norm(dim=1)[:, None], b / b.norm(dim=1)[:, None]
        return torch.mm(a, b.t())

    for i in range(1, len(table)):
        candidate = torch.tensor(table[i : i + 1], dtype=torch.float32)
        existing = torch.tensor(table[kept], dtype=torch.float32)
        found = torch.zeros((1, len(existing)))
        found[:, :] = cosines(candidate, existing)
        among = cosines(candidate, candidate).tril(-1)
        repeats = torch.any(found > tau, dim=1) | torch.any(among > tau, dim=1)
        if not bool(repeats[0]):
            kept.append(i)
        if len(kept) >= k:
            break
    return order[kept]


def public_code(path: str) -> Callable[[Vectors, NDArray[np.float64], float, int], Rows]:
    """DEITA's own class, one candidate a step as its script has it; only the sort is given."""
    kind: Any = runpy.run_path(path)["IterativeFilter"]

    def by_score(table: Any) -> Any:
        return table.sort_values(by="score", ascending=False)

    def run(vectors: Vectors, quality: NDArray[np.float64], tau: float, k: int) -> Rows:
        frame = importlib.import_module("pandas").DataFrame
        table = frame({"embedding": list(vectors.astype(np.float64)), "score": quality})
        settings = {"threshold": tau, "data_size": k, "chunk_size": 100_000, "device": "cpu"}
        its = kind(**settings)
        its._sort = by_score
        with warnings.catch_warnings(action="ignore"), contextlib.redirect_stderr(io.StringIO()):
            return its.filter(table).index.to_numpy()

    return run


def dense_lazy(vectors: Vectors, k: int) -> Rows:
    """Facility location as a textbook has it: every cosine, a heap of gains that may be stale."""
    similarity = np.maximum(vectors @ vectors.T, 0)
    best = np.zeros(len(vectors), np.float32)
    heap = [(-float(similarity[:, i].sum()), i, 0) for i in range(len(vectors))]
    heapq.heapify(heap)
    kept: list[int] = []
    while len(kept) < k:
        _, i, seen = heapq.heappop(heap)
        if seen == len(kept):
            kept.append(i)
            best = np.maximum(best, similarity[i])
        else:
            gain = float(np.maximum(similarity[i] - best, 0).sum())
            heapq.heappush(heap, (-gain, i, len(kept)))
    return np.array(kept, np.int64)


def apricot(vectors: Vectors, k: int) -> Rows:
    selection = importlib.import_module("apricot").FacilityLocationSelection(
        k, metric="cosine", optimizer="lazy"
    )
    return np.asarray(selection.fit(vectors).ranking, np.int64)


def submodlib(vectors: Vectors, k: int) -> Rows:
    with warnings.catch_warnings(action="ignore"):
        kind: Any = importlib.import_module("submodlib").FacilityLocationFunction
    function = kind(n=len(vectors), mode="dense", data=vectors, metric="cosine")
    found = function.maximize(
        budget=k, optimizer="LazyGreedy", stopIfZeroGain=False, stopIfNegativeGain=False,
        verbose=False, show_progress=False,
    )  # fmt: skip
    return np.array([row for row, _ in found], np.int64)


def naive_centers(vectors: Vectors, k: int, first: int) -> Rows:
    kept, nearest = [first], np.full(len(vectors), np.inf)
    while len(kept) < k:
        nearest = np.minimum(nearest, np.linalg.norm(vectors - vectors[kept[-1]], axis=1))
        kept.append(int(nearest.argmax()))
    return np.array(kept, np.int64)


def served(vectors: Vectors, kept: Rows) -> float:
    best = [
        np.maximum(vectors[i : i + 1024] @ vectors[kept].T, 0).max(axis=1)
        for i in range(0, len(vectors), 1024)
    ]
    return float(np.concatenate(best).sum())


def timed(run: Callable[[], Rows]) -> tuple[Rows, float]:
    began = time.process_time()
    return run(), time.process_time() - began


def alternately(
    figures: Figures,
    name: str,
    repeats: int,
    ours: Callable[[], Rows],
    theirs: Callable[[], Rows],
    warm: bool = True,
) -> tuple[Rows, Rows]:
    """The last rows of both. `warm`: a first run of the peer loads libraries and touches memory."""
    mine, peer = ours(), theirs() if warm else np.zeros(0, np.int64)
    spent: list[tuple[float, float]] = []
    for _ in rounds(repeats, name):
        mine, a = timed(ours)
        peer, b = timed(theirs)
        spent.append((a, b))
    a, b = np.median(np.array(spent), axis=0)
    ratios = [b / a for a, b in spent]
    ratio, low, high = float(np.median(ratios)), min(ratios), max(ratios)
    figures.add(
        f"{name:<44} {a:8.3f} {b:8.3f} {ratio:7.1f}x ({low:.1f} to {high:.1f})",
        name=name, ours_seconds=a, peer_seconds=b, ratio=ratio, lowest=low, highest=high,
    )  # fmt: skip
    return mine, peer


def selected(selector: Selector, pool: Pool, k: int) -> Callable[[], Rows]:
    return lambda: selector.select(pool, k).order


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--keep", type=int, default=2000, help="by DEITA's filter")
    parser.add_argument("--cover", type=int, default=1000, help="by facility location")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--deita", help="base.py of the filter in DEITA's repository")
    parser.add_argument("--large", type=int, default=0, help="rows for facility location alone")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    given = parser.parse_args()
    torch.set_num_threads(1)
    figures = Figures(given.json)
    if given.large:
        return alone(figures, given.large)
    vectors = clusters(given.rows, 384, 0)
    quality = np.random.default_rng(1).random(given.rows)
    pool = pool_of(vectors, quality)
    print(f"{'':<44} {'ours s':>8} {'peer s':>8}")
    loop = public_code(given.deita) if given.deita else public_loop
    for tau in (0.9, 0.8, 0.6):
        mine, peer = alternately(
            figures, f"DEITA filter {given.rows} -> {given.keep}, tau {tau}", given.repeats,
            selected(DeitaReprFilter(tau=tau), pool, given.keep),
            lambda tau=tau: loop(vectors, quality, tau, given.keep),
        )  # fmt: skip
        same = np.array_equal(mine, peer)
        figures.add(f"    identical ids: {same}", identical=same)
    covering(figures, vectors, pool, given.cover, given.repeats)
    first = int(KCenter().select(pool, 1).order[0])
    mine, peer = alternately(
        figures, f"k-center {given.rows} -> {given.cover}, a norm a pick", given.repeats,
        selected(KCenter(), pool, given.cover), lambda: naive_centers(vectors, given.cover, first),
    )  # fmt: skip
    ratio = reach(vectors, mine) / reach(vectors, peer)
    same = len(np.intersect1d(mine, peer)) / len(peer)
    figures.add(f"    radius: {ratio:.5f} of the peer's, {same:.4f} of its ids", radius=ratio)


def covering(figures: Figures, vectors: Vectors, pool: Pool, k: int, repeats: int) -> None:
    installed = [each for each in (apricot, submodlib) if importlib.util.find_spec(each.__name__)]
    for rival in installed or [dense_lazy]:
        lone = rival is submodlib
        before = peak()
        mine, peer = alternately(
            figures, f"facility location {len(vectors)} -> {k}, {rival.__name__}",
            1 if lone else repeats,
            selected(FacilityLocation(), pool, k), lambda rival=rival: rival(vectors, k), not lone,
        )  # fmt: skip
        share = served(vectors, mine) / served(vectors, peer)
        figures.add(
            f"    objective: {share:.4f} of the peer's; peak {before:.2f} GiB before, then"
            f" {peak():.2f}", objective=share, peak_before=before, peak=peak(),
        )  # fmt: skip


def reach(vectors: Vectors, kept: Rows) -> float:
    """The largest distance to the nearest kept vector."""
    nearest = [
        np.sqrt(np.maximum(2 - 2 * (vectors[i : i + 1024] @ vectors[kept].T).max(axis=1), 0)).max()
        for i in range(0, len(vectors), 1024)
    ]
    return float(max(nearest))


def peak() -> float:
    """GiB of this process at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def alone(figures: Figures, n: int) -> None:
    vectors = clusters(n, 384, 2)
    began, before = time.process_time(), peak()
    with working(f"facility location {n} -> {n // 10}"):
        found = FacilityLocation().select(pool_of(vectors, np.zeros(n)), n // 10)
    seconds = time.process_time() - began
    assert found.bound is not None
    bound = found.objective / found.bound
    figures.add(
        f"facility location {n} -> {n // 10}: {seconds:.1f} CPU-s, {found.seconds:.1f} s, peak"
        f" {peak():.2f} GiB ({before:.2f} before); objective at least {bound:.3f} of the graph's"
        " optimum", seconds=seconds, peak=peak(), bound=bound,
    )  # fmt: skip


if __name__ == "__main__":
    main()
