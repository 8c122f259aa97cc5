"""Who finds wrong labels? prefsift, cleanlab, crowd-kit, the mean vote, a single reward model.

    python -m benchmarks.denoise [--data DIR] [--only FILE …] [--seeds 5] [--json OUT.json]

Each cell is one file and one seed, seconds to a minute of one CPU; --json keeps finished cells, and
the same command goes on where it was stopped. What is done to each file: its module. A peer that
can't run on a file says why. AUROC with the 95 % interval of the mean over seeds 0, 1, ….
"""

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import flipped_labels, several_raters, verified_pairs
from benchmarks.outcome import Outcome, detailed, side_by_side
from benchmarks.subset_vs_random import DEFAULT_DATA

Cell: TypeAlias = Callable[[int], Outcome]  # of a seed
LONE = ("hh_harmless", "qa_feedback")
FILES = ("llmbar", *LONE, *several_raters.FILES)


def cells(data: Path, cache: Path, anchors: int) -> Mapping[str, Cell]:
    lone = {name: partial(flipped_labels.cell, name, data, cache) for name in LONE}
    raters = {name: partial(several_raters.cell, name, data) for name in several_raters.FILES}
    return {"llmbar": partial(verified_pairs.cell, data, count=anchors), **lone, **raters}


class Kept:
    """Finished cells by file and seed, in a JSON file where one is wanted."""

    def __init__(self, path: Path | None) -> None:
        self.path, self.outcomes = path, dict[tuple[str, int], Outcome]()
        if path is not None and path.exists():
            for name, seeds in json.loads(path.read_text()).items():
                for seed, outcome in seeds.items():
                    self.outcomes[name, int(seed)] = Outcome(**outcome)

    def add(self, name: str, seed: int, outcome: Outcome) -> None:
        self.outcomes[name, seed] = outcome
        if self.path is None:
            return
        table: dict[str, dict[str, object]] = {}
        for (file, number), each in sorted(self.outcomes.items()):
            table.setdefault(file, {})[str(number)] = each.plain()
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(table, indent=1, ensure_ascii=False))
        part.rename(self.path)


def run(table: Mapping[str, Cell], seeds: int, kept: Kept, console: Console) -> None:
    wanted = [(name, seed) for name in table for seed in range(seeds)]
    missing = [each for each in wanted if each not in kept.outcomes]
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeElapsedColumn(), console=console) as bars:
        bar = bars.add_task("", total=len(wanted), completed=len(wanted) - len(missing))
        for name, seed in missing:
            bars.update(bar, description=f"{name}, seed {seed}")
            start = time.process_time()
            with warnings.catch_warnings():  # the peers' own
                warnings.simplefilter("ignore")
                outcome = table[name](seed)
            outcome.cpu_seconds = time.process_time() - start
            kept.add(name, seed, outcome)
            bars.advance(bar)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    folder = Path(os.environ.get("PREFSIFT_TEST_DATA") or DEFAULT_DATA)
    parser.add_argument("--data", type=Path, default=folder)
    parser.add_argument("--only", nargs="+", choices=FILES, default=FILES, metavar="FILE",
                        help=", ".join(FILES))  # fmt: skip
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--anchors", type=int, default=30)
    parser.add_argument("--json", type=Path, help="keeps finished cells; read again at the start")
    parser.add_argument("--cache", type=Path, default=Path(gettempdir()) / "prefsift-benchmarks")
    given = parser.parse_args()
    every = cells(given.data, given.cache, given.anchors)
    table, kept = {name: every[name] for name in given.only}, Kept(given.json)
    run(table, given.seeds, kept, Console(stderr=True))
    found = {name: [kept.outcomes[name, seed] for seed in range(given.seeds)] for name in table}
    for name, outcomes in found.items():
        print(detailed(name, outcomes))
    print(f"\nseeds 0 to {given.seeds - 1}; 20 % turned; AUROC ± 95 %; a peer's best arm a file\n")
    print(side_by_side(found))


if __name__ == "__main__":
    main()
