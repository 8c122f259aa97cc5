"""More pairs than fit: FiFA over a million with stored vectors, and selection by shards.

    python -m benchmarks.scale [--prompts 1000000] [--rows 10000000] [--cover 100000] [--json FILE]

1. FiFA, 10 %: k-NN novelty of `prompts` clustered unit vectors of 384 dimensions (one pair each;
   margin and quality are drawn), then the selection. Recall against the exact search is printed.
2. `rows` synthetic scores, 1 %: at once and in ten shards; the ids must be the same.
3. Facility location of `cover` vectors, 10 %: at once, in shards with both stages, and by shards
   alone; the objective over the whole pool, its share of the single stage's, and that of a random
   subset. A part of 0 rows is left out.

Each part runs in a process of its own, so that its peak memory is its own.
"""

import argparse
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Figures
from benchmarks.selectors import clusters, pool_of, served
from curation.items import Prompts, View
from curation.selectors import Pool, Selector
from curation.selectors.facility_location import FacilityLocation
from curation.selectors.fifa import Fifa
from curation.selectors.sharded import select_sharded
from curation.selectors.terms import normalised
from curation.signals.knn_novelty import KnnNovelty

SHARDS = 10


class Part:
    """Of the benchmark, in a process of its own."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.figures = Figures(None)

    def say(self, what: str, began: tuple[float, float], more: str = "") -> None:
        wall, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        self.figures.add(
            f"  {what:<44} {wall:8.1f} s {cpu:8.1f} CPU-s, peak {peak:5.2f} GiB {more}",
            part=self.title, step=what, seconds=wall, cpu_seconds=cpu, peak_gib=peak, more=more,
        )  # fmt: skip


def now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def fifa(part: Part, count: int) -> None:
    """The vectors are single precision: 1.5 GB for a million."""
    vectors = np.empty((count, 384), np.float32)
    for start in range(0, count, 100_000):
        some = vectors[start : start + 100_000]
        some[:] = clusters(len(some), 384, 0 if start == 0 else start)
    names = [f"{i:08}" for i in range(count)]
    rng = np.random.default_rng(1)
    signal, items = KnnNovelty(device="cpu"), Prompts(names, names, {View.prompt: vectors})
    part.say("made", began := now())
    whole = began
    fit = signal.fit(items)
    part.say("novelty: fit", began, f"recall {fit.metrics.get('recall', 1.0):.4f}")
    began = now()
    novelty = signal.score(items, fit).columns["log_distance"].values
    part.say("novelty: score", began)
    began = now()
    terms = {"margin": rng.normal(size=count), "quality": rng.random(count), "novelty": novelty}
    kept = Fifa().select(Pool(names, names, names, terms), count // 10)
    part.say(f"selection of {len(kept.order)}", began)
    part.say(f"FiFA over {count} pairs", whole)


def by_shards(part: Part, count: int) -> None:
    rng = np.random.default_rng(2)
    scores = {
        "margin": normalised(rng.normal(size=count), "minmax"),
        "quality": normalised(rng.beta(2, 3, count), "minmax"),
        "novelty": rng.normal(-1, 0.3, count),
    }
    selector, k = Fifa(normalise="none"), count // 100
    bounds = np.linspace(0, count, SHARDS + 1).astype(int)

    def load(number: int) -> Pool:
        low, high = int(bounds[number]), int(bounds[number + 1])
        names = [f"{i:09}" for i in range(low, high)]
        return Pool(names, names, names, {name: c[low:high] for name, c in scores.items()})

    began = now()
    found = select_sharded(selector, np.diff(bounds).tolist(), load, k)
    part.say(f"{SHARDS} shards, then {found.candidates}", began)
    began = now()
    names = [f"{i:09}" for i in range(count)]
    whole = selector.select(Pool(names, names, names, scores), k)
    part.say("at once", began)
    rows: list[int] = whole.order.tolist()
    same = found.ids == [names[row] for row in rows]
    part.figures.add(f"  identical ids: {same}", part=part.title, identical=same)


def covering(part: Part, count: int) -> None:
    vectors, k = clusters(count, 384, 3), count // 10
    pool = pool_of(vectors, np.zeros(count))
    selector = FacilityLocation()
    bounds = np.linspace(0, count, SHARDS + 1).astype(int)

    def load(number: int) -> Pool:
        return pool.take(np.arange(bounds[number], bounds[number + 1]))

    began = now()
    two = select_sharded(selector, np.diff(bounds).tolist(), load, k)
    part.say(f"{SHARDS} shards, then {two.candidates}", began)
    began = now()
    lone = alone(selector, load, k)
    part.say(f"{SHARDS} shards alone", began)
    began = now()
    whole = selector.select(pool, k).order
    part.say("at once", began)
    best = served(vectors, whole)
    drawn = np.random.default_rng(4).choice(count, k, replace=False)
    rows = np.array([int(name) for name in two.ids], np.int64)
    for name, kept in (("two stages", rows), ("shards alone", lone), ("random", drawn)):
        share = served(vectors, kept) / best
        part.figures.add(
            f"  objective of {name:<14} {share:.5f} of the single stage's",
            part=part.title, kept=name, objective=share,
        )  # fmt: skip


def alone(selector: Selector, load: Callable[[int], Pool], k: int) -> NDArray[np.int64]:
    kept: list[int] = []
    for number in range(SHARDS):
        part = load(number)
        rows: list[int] = selector.select(part, k // SHARDS).order.tolist()
        kept += [int(part.ids[row]) for row in rows]
    return np.array(kept, np.int64)


def measured(run: Callable[[Part, int], None], title: str, count: int) -> list[dict[str, object]]:
    part = Part(title)
    run(part, count)
    return part.figures.found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--cover", type=int, default=100_000)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    given = parser.parse_args()
    parts = (
        ("FiFA with stored vectors", fifa, given.prompts),
        ("scores alone, 1 %", by_shards, given.rows),
        ("facility location, 10 %", covering, given.cover),
    )
    figures = Figures(given.json)
    for title, run, count in parts:
        if count:
            figures.add(f"{title}, {count} rows", part=title, rows=count)
            with ProcessPoolExecutor(1, get_context("spawn")) as process:
                figures.extend(process.submit(measured, run, title, count).result())


if __name__ == "__main__":
    main()
