"""Does safe_default train a better head than a random subset? Every cell of the fixed protocol.

    python -m benchmarks.proof [--data DIR] [--json FILE] [--tune] [--write FILE] [--sets oasst …]
    python -m benchmarks.proof --arms fifa k_center … --splits 5 --json FILE
    python -m benchmarks.proof --join FILE … --write docs/leaderboard.md

The protocol (sets, splits, seeds, flips, tests) is benchmarks/protocol.py. Each arm selects from
the flipped labels of the training prompts; heads learn from the same flipped labels and are tested
on the labels as given of other prompts. `--tune` runs the tuning splits; `--write` also writes the
tables to a file. `--json` is written after each fold; `--join` puts such files together, also of
different arms: the random subsets of a fold are the same in every run.
"""

import argparse
import os
from collections import Counter
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from tempfile import gettempdir
from time import process_time
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from benchmarks.proof_tables import lines
from benchmarks.protocol import (
    BUDGETS,
    CONDITIONS,
    DRAWS,
    LEAST_ACCURACY,
    REPORT_SEED,
    SETS,
    SPLITS,
    STRONG,
    TUNING_SEED,
    Condition,
    Set,
    load,
    signs,
)
from benchmarks.subset_vs_random import DEFAULT_DATA, digest, flipped
from curation.evaluation.heads import HEADS, accuracies
from curation.evaluation.splits import Split, split
from curation.items import Indices, Pairs
from curation.recipes import RECIPES, Recipe
from curation.recipes.apply import score_by_pair, select
from curation.signals import Column
from curation.signals.prompt_quality import PromptQuality
from curation.signals.signal import OK

Arms = Mapping[str, Recipe]
Scored = MutableMapping[str, Mapping[str, Column]]  # by a signal's parameters
BARS = Console(stderr=True)
DEFAULT_ARMS = ("safe_default",)
NAMES = {condition.name: condition for condition in CONDITIONS}


class Fold(NamedTuple):
    """A split of a set with its labels as they are under a condition: -1 where turned round."""

    given: Set
    parts: Split
    sign: NDArray[np.float64]
    seed: int
    number: int

    def learnt(self, head: str, rows: Sequence[Indices]) -> NDArray[np.float64]:
        """Test accuracy of the head, trained on each of the sets of training rows."""
        noisy = self.given.grams[head] * np.outer(self.sign, self.sign)
        test, ridge = self.parts.test, HEADS[head].ridge
        found = [
            accuracies(
                noisy, ridge, np.ones((len(part), 1)), self.parts.train[part], test, self.sign
            )
            for part in rows
        ]
        return np.array([float(each[0]) for each in found])


def terms_of(recipe: Recipe, training: Pairs, scored: Scored) -> dict[str, NDArray[np.float64]]:
    """(n,) by term. What several arms score alike is scored once: `scored` grows."""
    values: dict[str, NDArray[np.float64]] = {}
    for term in recipe.terms:
        _, signal, output = recipe.output(term)
        key = signal.model_dump_json()
        if key not in scored:
            scored[key] = score_by_pair(signal, training)
        values[term] = np.asarray(scored[key][output.name].values, np.float64)
    return values


def row_wise(given: Set, arms: Arms, cache: Path) -> Scored:
    """What arms score row by row and slowly, on all pairs: how fluent the prompts are."""
    kinds = {s.model_dump_json(): s for one in arms.values() for s in one.signals.values()}
    found: Scored = {}
    for key, signal in kinds.items():
        if not isinstance(signal, PromptQuality):
            continue
        file = cache / f"quality-{given.name}-{digest(key, *given.pairs.ids)}.npy"
        if not file.exists():
            np.save(file, score_by_pair(signal, given.pairs)["quality"].values)
        values = np.load(file)
        status = np.where(np.isfinite(values), OK, "unknown").astype(np.str_)
        found[key] = {"quality": Column(values, status)}
    return found


def one_fold(fold: Fold, arms: Arms, fixed: Scored) -> dict[str, Any]:
    """{"full": by head, "arms": budget -> arm -> {"size", head: [accuracy, random]}}. `fixed`:
    columns over all pairs that no label enters."""
    rows = fold.parts.train
    training = flipped(fold.given.pairs, fold.sign < 0).take(rows)
    n = len(training)
    rng = np.random.default_rng([fold.seed, fold.number, 99])
    scored: Scored = {
        key: {name: Column(c.values[rows], c.status[rows]) for name, c in columns.items()}
        for key, columns in fixed.items()
    }
    terms = {name: terms_of(recipe, training, scored) for name, recipe in arms.items()}
    cells: dict[str, Any] = {}
    for budget in BUDGETS:
        k = round(budget * n)
        sets = [rng.choice(n, k, replace=False) for _ in range(DRAWS)]
        for name, recipe in arms.items():
            sets.append(select(recipe, training, terms[name], k, fold.seed).order)
        found = {head: fold.learnt(head, sets) for head in HEADS}
        cells[f"{budget:.0%}"] = {
            name: {
                "size": len(sets[DRAWS + at]),
                **{h: [right[DRAWS + at], right[:DRAWS].mean()] for h, right in found.items()},
            }
            for at, name in enumerate(arms)
        }
    everything = [np.arange(n)]
    return {"full": {head: fold.learnt(head, everything)[0] for head in HEADS}, "arms": cells}


def suitable(given: Set, seed: int) -> tuple[float, list[Split]]:
    """Accuracy of the strong head on all data, labels as given, and the splits."""
    parts = [split(given.pairs, number, seed) for number in range(SPLITS)]
    even = np.ones(len(given.pairs))
    right = [
        Fold(given, part, even, seed, at).learnt(STRONG, [np.arange(len(part.train))])[0]
        for at, part in enumerate(parts[: SPLITS // 2])
    ]
    return float(np.mean(right)), parts


def run(
    names: Sequence[str], data: Path, cache: Path, arms: Arms, seed: int,
    conditions: Sequence[Condition] = CONDITIONS, file: Path | None = None,
    numbers: Sequence[int] = range(SPLITS),
) -> dict[str, Any]:  # fmt: skip
    """Every cell of every suitable set, and why the others are not suitable."""
    left_out: dict[str, str] = {}
    cells: list[dict[str, Any]] = []
    began = process_time()

    def figures() -> dict[str, Any]:
        seconds = round(process_time() - began)
        return {
            "seed": seed, "draws": DRAWS, "arms": list(arms),
            "left_out": left_out, "cpu_seconds": seconds, "cells": cells,
        }  # fmt: skip

    ready: list[tuple[Set, list[Split], Scored]] = []
    for name in names:
        given = load(name, data, cache)
        if isinstance(given, str):
            left_out[name] = given
            continue
        accuracy, parts = suitable(given, seed)
        if accuracy < LEAST_ACCURACY:
            left_out[name] = (
                f"the strong head reaches {accuracy:.3f} on all {len(given.pairs)} pairs, "
                f"less than {LEAST_ACCURACY:.2f}"
            )
            continue
        ready.append((given, parts, row_wise(given, arms, cache)))
    # A run that is stopped has measured all sets on the same splits.
    shards = [(number, *one, c) for number in numbers for one in ready for c in conditions]
    for number, given, parts, fixed, condition in track(shards, console=BARS, transient=True):
        sign = signs(condition, given.grams["selecting"], seed, number)
        found = one_fold(Fold(given, parts[number], sign, seed, number), arms, fixed)
        cells.append({"set": given.name, "condition": condition.name, "split": number, **found})
        if file:
            file.write_bytes(orjson.dumps(figures(), option=orjson.OPT_SERIALIZE_NUMPY))
    return figures()


def joined(files: Sequence[Path]) -> dict[str, Any]:
    """The figures of runs over different sets or arms, as one: a cell has the arms of all runs."""
    parts = [orjson.loads(file.read_bytes()) for file in files]
    if len({(part["seed"], part["draws"]) for part in parts}) > 1:
        raise SystemExit("runs with other seeds or draws can't be compared")
    cells: dict[tuple[str, str, int], dict[str, Any]] = {}
    for cell in (cell for part in parts for cell in whole(part["cells"])):
        same = cells.setdefault((cell["set"], cell["condition"], cell["split"]), cell)
        for budget, arms in cell["arms"].items():
            same["arms"][budget].update(arms)
    return {
        **parts[0],
        "arms": list(dict.fromkeys(arm for part in parts for arm in part["arms"])),
        "left_out": {name: why for part in parts for name, why in part["left_out"].items()},
        "cpu_seconds": sum(part["cpu_seconds"] for part in parts),
        "cells": list(cells.values()),
    }


def whole(cells: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The splits that were run under every condition: a run may have been stopped."""
    counts = Counter((cell["set"], cell["split"]) for cell in cells)
    most = max(counts.values(), default=0)
    return [cell for cell in cells if counts[cell["set"], cell["split"]] == most]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    default = Path(os.environ.get("PREFSIFT_TEST_DATA") or DEFAULT_DATA)
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--arms", nargs="+", choices=list(RECIPES), help="all, of --join")
    parser.add_argument("--splits", type=int, default=SPLITS, help="the first so many")
    parser.add_argument("--first", type=int, default=0, help="split that a run goes on from")
    parser.add_argument("--labels", nargs="+", choices=list(NAMES), default=list(NAMES))
    parser.add_argument("--tune", action="store_true", help="the splits that methods are tuned on")
    parser.add_argument("--json", type=Path, help="also write all figures to this file")
    parser.add_argument("--join", type=Path, nargs="+", help="figures of earlier runs, instead")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page, too")
    parser.add_argument("--cache", type=Path, default=Path(gettempdir()) / "prefsift-benchmarks")
    asked = parser.parse_args()
    seed = TUNING_SEED if asked.tune else REPORT_SEED
    arms = {name: RECIPES[name] for name in asked.arms or DEFAULT_ARMS}
    if asked.join:
        found = joined(asked.join)
        found["arms"] = asked.arms or found["arms"]
    else:
        conditions = [NAMES[name] for name in asked.labels]
        numbers = range(asked.first, asked.splits)
        found = run(
            asked.sets, asked.data, asked.cache, arms, seed, conditions, asked.json, numbers
        )
        found["cells"] = whole(found["cells"])
    page = "\n".join(lines(found))
    print(page)
    if asked.write:
        asked.write.write_text(page + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
