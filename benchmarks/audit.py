"""How long an audit takes where the vectors are there already, and how much memory.

    python -m benchmarks.audit [--data DIR] [--pairs 100000] [--shapes lone voted graph] [--profile]
        [--json FILE]

Real texts of hh_harmless and qa_feedback, repeated with a number so that no two prompts are the
same, with 20 % of labels flipped, through everything that `prefsift audit` does: read, judge, write
report.json, report.html and pairs.parquet. `lone`: one label a pair. `voted`: five of 200
annotators and 300 verified answers. `graph`: six comparisons of four responses a prompt. Vectors
are drawn, not computed: as wide as MiniLM's, with the labels' direction in them. Each shape runs in
a process of its own, whose peak of resident memory is printed.
"""

import argparse
import cProfile
import json
import os
import pstats
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.figures import Figures, working
from benchmarks.subset_vs_random import DEFAULT_DATA, Row, hh_harmless, qa_feedback
from curation.items import Floats, Texts
from service.audit.collect import Collector
from service.audit.run import judge, write_folder

WIDTH = 384
ANNOTATORS, VOTES, VERIFIED = 200, 5, 300
RATE = 0.2
Line = dict[str, Any]


def numbered(rows: Sequence[Row], count: int) -> Iterator[Row]:
    """`count` rows, whose prompts differ in a number from the second round on."""
    for at in range(count):
        prompt, chosen, rejected = rows[at % len(rows)]
        again = at // len(rows)
        yield (f"({again}) {prompt}" if again else prompt), chosen, rejected


def lone(rows: Sequence[Row], count: int, rng: np.random.Generator) -> Iterator[Line]:
    wrong = rng.random(count) < RATE
    for (prompt, chosen, rejected), flip in zip(numbered(rows, count), wrong, strict=True):
        sides = (rejected, chosen) if flip else (chosen, rejected)
        yield {"prompt": prompt, "chosen": sides[0], "rejected": sides[1]}


def voted(rows: Sequence[Row], count: int, rng: np.random.Generator) -> Iterator[Line]:
    right = rng.uniform(0.55, 0.95, ANNOTATORS)
    for at, (prompt, chosen, rejected) in enumerate(numbered(rows, count)):
        turned = bool(rng.random() < 0.5)
        texts = (rejected, chosen) if turned else (chosen, rejected)
        voters = rng.choice(ANNOTATORS, VOTES, replace=False)
        says_a = (rng.random(VOTES) < right[voters]) != turned
        line: Line = {
            "messages": [{"role": "user", "content": prompt}],
            "responses": [{"id": f"r{i}", "text": text} for i, text in enumerate(texts)],
            "comparisons": [
                {
                    "a": "r0",
                    "b": "r1",
                    "outcome": "a" if a else "b",
                    "annotator": f"v{who}",
                    "annotator_kind": "human",
                }
                for who, a in zip(voters.tolist(), says_a.tolist(), strict=True)
            ],
        }
        if at < VERIFIED:
            better = "r1" if turned else "r0"
            line["gold"] = {"better": [better], "worse": ["r0" if turned else "r1"]}
        yield line


def graph(rows: Sequence[Row], count: int, rng: np.random.Generator) -> Iterator[Line]:
    """Four responses a prompt, from two rows, in a hidden order."""
    ends = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    for at, (prompt, *one) in enumerate(numbered(rows, -(-count // 6))):
        other = rows[(at * 7 + 1) % len(rows)][1:]
        yield {
            "messages": [{"role": "user", "content": prompt}],
            "responses": [{"id": f"r{i}", "text": t} for i, t in enumerate([*one, *other])],
            "comparisons": [
                {"a": f"r{i}", "b": f"r{j}", "outcome": "b" if rng.random() < RATE else "a"}
                for i, j in ends[: count - 6 * at]
            ],
        }


SHAPES: dict[str, Callable[[Sequence[Row], int, np.random.Generator], Iterator[Line]]] = {
    "lone": lone, "voted": voted, "graph": graph,
}  # fmt: skip


def vectors_present(texts: Texts, _: Callable[[float], object]) -> Floats:
    """Drawn: unit length, in half precision as a dataset keeps them."""
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((len(texts), WIDTH), np.float32)
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float16)


def timed(path: Path, out: Path) -> dict[str, float]:
    collector, marks, started = Collector(), [time.perf_counter()], time.process_time()
    collector.file(path, str(path), None)
    marks.append(time.perf_counter())
    found = judge(
        collector, anchors="all", seed=0, embed=True, progress=lambda _, __: None,
        vectors_of=vectors_present,
    )  # fmt: skip
    marks.append(time.perf_counter())
    write_folder(found, out)
    marks.append(time.perf_counter())
    reading, judging, writing = np.diff(marks).tolist()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"pairs": len(found.questions), "reading": reading, "judging": judging,
            "writing": writing, "total": sum((reading, judging, writing)),
            "cpu": time.process_time() - started, "gib": peak}  # fmt: skip


def run(path: Path, out: Path, profile: bool) -> dict[str, float]:
    if not profile:
        return timed(path, out)
    with cProfile.Profile() as watched:
        found = timed(path, out)
    pstats.Stats(watched).sort_stats("cumulative").print_stats(45)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    folder = Path(os.environ.get("PREFSIFT_TEST_DATA") or DEFAULT_DATA)
    parser.add_argument("--data", type=Path, default=folder)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--shapes", nargs="+", choices=list(SHAPES), default=list(SHAPES))
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    given = parser.parse_args()
    figures = Figures(given.json)
    rows = [*hh_harmless(given.data), *qa_feedback(given.data)]
    print("shape     pairs  reading  judging  writing  total s    CPU s  peak GiB", flush=True)
    for shape in given.shapes:
        with TemporaryDirectory() as place:
            path = Path(place) / f"{shape}.jsonl"
            with path.open("w") as file:
                for line in SHAPES[shape](rows, given.pairs, np.random.default_rng(0)):
                    file.write(json.dumps(line) + "\n")
            with get_context("spawn").Pool(1) as pool, working(f"{shape}, {given.pairs} pairs"):
                found = pool.apply(run, (path, Path(place) / "out", given.profile))
        taken = (found[name] for name in ("reading", "judging", "writing", "total", "cpu"))
        columns = "".join(f"{seconds:9.1f}" for seconds in taken)
        line = f"{shape:7} {found['pairs']:7,.0f}{columns} {found['gib']:9.2f}"
        figures.add(line, shape=shape, **found)


if __name__ == "__main__":
    main()
