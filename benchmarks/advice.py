"""Does advice end in time, and does another seed say the same?

    python -m benchmarks.advice [--data DIR] [--sets hh_harmless …] [--seeds 0 1 2] [--budget 10%]
    python -m benchmarks.advice --minutes 1 3 [--sets hh_harmless oasst rm_bench_chat]

The first asks for advice with each seed on every suitable set (benchmarks/protocol.py), with all
recipes that can be compared in `--seconds` there, and prints what each seed recommends, and every
gain over random with its interval. The vectors are kept in a cache. `--minutes` runs the command
`prefsift advise` as a user does, embedding included, and prints the time asked for and used.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import orjson

from benchmarks.protocol import LEAST_ACCURACY, SETS, load
from benchmarks.subset_vs_random import DEFAULT_DATA
from curation.evaluation.evaluate import sampled
from curation.evaluation.heads import TOP
from curation.recipes import RECIPES, Budget
from service.advice.advising import (
    MOST,
    Clock,
    all_scored,
    command_for,
    compared,
    files_hold,
)
from service.advice.candidates import affordable, applicable
from service.advice.deciding import SPLITS
from service.advice.measuring import Arena, Contest, terms_of
from service.advice.result import Advice, Run, advice_of

TIMED = ("hh_harmless", "oasst", "rm_bench_chat")


def silent(_: str, __: float) -> None:
    return None


def advised(
    name: str, data: Path, cache: Path, seeds: Sequence[int], budget: Budget, seconds: float,
    splits: int, names: Sequence[str] | None,
) -> dict[int, Advice] | str:  # fmt: skip
    """By seed; or why the set is not suitable. Without the clock: nothing is cut short."""
    wanted = None if names is None else {each: RECIPES[each] for each in names}
    given = load(name, data, cache)
    if isinstance(given, str):
        return given
    present = files_hold(given.pairs)
    found: dict[int, Advice] = {}
    for seed in seeds:
        rows = sampled(given.pairs, MOST, seed)
        pairs = given.pairs.take(rows)
        place = Arena(pairs, {head: gram[rows][:, rows] for head, gram in given.grams.items()})
        picked = applicable(wanted, present, facts=False)
        picked = affordable(picked, present, len(pairs), seconds, 1)
        clock, fraction = Clock(1e9), budget.fraction(len(given.pairs))
        terms = all_scored(picked.recipes, pairs, clock, silent)
        contests = {
            each: Contest(recipe, fraction, terms_of(recipe, terms))
            for each, recipe in picked.recipes.items()
        }
        results = compared(lambda at=place: at, contests, [seed], splits, clock, silent)
        run = Run(
            contenders=picked.recipes, left_out=picked.left_out, present=present, found=results,
            pairs=len(given.pairs), measured_on=len(pairs), rejected=0, seeds=[seed],
            budget=str(budget), fraction=fraction, seconds=seconds, used=clock.used(),
            planned=splits,
        )  # fmt: skip
        found[seed] = advice_of(run, lambda best, at=seed: command_for(best, [], budget, at))
        reached = max(row.heads[TOP].full for row in found[seed].recipes)
        if reached < LEAST_ACCURACY:
            return f"the strong head reaches {reached:.3f} on all pairs"
    return found


def repeated(name: str, found: Mapping[int, Advice]) -> list[str]:
    """A line a recipe, a column a seed: the gain of the strong head and its interval, `*` where
    it is better than random for both heads; `yes` where every interval holds every mean."""
    seeds = list(found)
    lines = [f"### {name}", "", f"| recipe | {' | '.join(f'seed {s}' for s in seeds)} | agree |"]
    lines.append("|---|" + "---|" * (len(seeds) + 1))
    rows = {seed: {row.name: row for row in each.recipes} for seed, each in found.items()}
    for recipe in [row.name for row in found[seeds[0]].recipes]:
        gains = [rows[seed][recipe].heads[TOP].gain for seed in seeds if recipe in rows[seed]]
        cells = [cell(rows[seed].get(recipe)) for seed in seeds]
        agree = all(
            (one.low or 0) <= other.mean <= (one.high or 0) for one in gains for other in gains
        )
        lines.append(f"| {recipe} | {' | '.join(cells)} | {'yes' if agree else 'no'} |")
    said = [f"{each.recommended or 'none'} ({each.confidence:.1%})" for each in found.values()]
    same = len({each.recommended for each in found.values()}) == 1
    return [*lines, f"| **recommended** | {' | '.join(said)} | **{'yes' if same else 'no'}** |", ""]


def cell(row: Any) -> str:
    if row is None:
        return "not compared"
    gain = row.heads[TOP].gain
    return (
        f"{gain.mean:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
        f"{'*' if row.better_than_random else ''}"
    )


def timed(name: str, data: Path, minutes: float) -> str:
    """What the installed command used of its time, its start and end included."""
    command = Path(sys.executable).with_name("prefsift")
    began = time.monotonic()
    done = subprocess.run(
        [command, "advise", data / SETS[name], "--minutes", str(minutes), "--json"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    used = time.monotonic() - began
    if done.returncode:
        said = " ".join(done.stderr.split())
        return f"| {name} | {60 * minutes:.0f} | {used:.0f} | | {said} |"
    found = orjson.loads(done.stdout)
    splits = max((row["splits"] for row in found["recipes"]), default=0)
    says = f"{found['measured_on']} of {found['pairs']} pairs, {len(found['recipes'])} recipes, "
    says += f"{splits} splits: {found['recommended'] or 'none'} ({found['confidence']:.1%})"
    return f"| {name} | {60 * minutes:.0f} | {used:.0f} | {found['used']:.0f} | {says} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    default = Path(os.environ.get("PREFSIFT_TEST_DATA") or DEFAULT_DATA)
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--sets", nargs="+", choices=list(SETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--budget", default="10%")
    parser.add_argument("--splits", type=int, default=SPLITS)
    parser.add_argument("--recipes", nargs="+", choices=list(RECIPES), help="else by the time")
    parser.add_argument(
        "--seconds", type=float, default=300, help="recipes that this is enough for"
    )
    parser.add_argument("--minutes", nargs="+", type=float, help="time the command instead")
    parser.add_argument("--cache", type=Path, default=Path(gettempdir()) / "prefsift-benchmarks")
    asked = parser.parse_args()
    if asked.minutes:
        print("| set | seconds asked | used | by its own clock | what it compared |", flush=True)
        print("|---|---|---|---|---|", flush=True)
        for name in asked.sets or TIMED:
            for minutes in asked.minutes:
                print(timed(name, asked.data, minutes), flush=True)
        return
    budget = Budget.parse(asked.budget)
    for name in asked.sets or SETS:
        found = advised(
            name, asked.data, asked.cache, asked.seeds, budget, asked.seconds, asked.splits,
            asked.recipes,
        )  # fmt: skip
        lines = [f"{name}: {found}"] if isinstance(found, str) else repeated(name, found)
        print("\n".join(lines), flush=True)


if __name__ == "__main__":
    main()
