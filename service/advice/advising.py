"""Compares the applicable recipes on the pairs of some files, split by split, until time is up."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from curation.evaluation import SPLITS, Contender, Wanted, evaluate_split, summarise
from curation.evaluation.evaluate import measurable, sampled
from curation.evaluation.heads import HEADS
from curation.items import Pairs, Texts, View
from curation.recipes import RECIPES, Budget, Recipe, load
from service.audit.decided import decided

Progress = Callable[[str, float], object]
LEAST_SPLITS = 2
EMBEDDING = 0.5  # of the time: what is embedded by then is measured on
CHUNK = 200  # pairs that are embedded between two looks at the clock
MOST = 2000  # pairs measured on
LEAST = 100
DRAWS = 3
QUICK = frozenset({"embedding", "style", "label_trust", "knn_novelty"})
BASELINE = "random"


class Unfit(ValueError):
    """Nothing can be said of these files; in words."""


def candidates(names: Sequence[str] | None) -> dict[str, Recipe]:
    """Those named; else the shipped ones whose signals take seconds and that read texts alone."""
    if names:
        return {name: load(name) for name in names}
    return {
        name: recipe
        for name, recipe in RECIPES.items()
        if name != BASELINE
        and not recipe.needs
        and {signal.kind for signal in recipe.signals.values()} <= QUICK  # pyright: ignore[reportAttributeAccessIssue]
    }


def advice(
    files: Sequence[Path],
    recipes: Mapping[str, Recipe],
    budget: Budget,
    *,
    seconds: float,
    seed: int = 0,
    layout: str | None = None,
    progress: Progress = lambda _, __: None,
) -> dict[str, Any]:
    """JSON values: `recommended` (a recipe's id, or None), `says` in words, `recipes` the figures.

    A recipe is recommended where the interval of its gain over random lies above 0 for both heads;
    of those, the largest gain of the independent head. The same file, recipes and seed give the
    same answer as long as the same splits were reached.
    """
    end = time.monotonic() + seconds
    found = decided(files, layout)
    if found.media:
        raise Unfit("the responses are no texts: recipes can't be compared on them")
    reason = measurable(found.pairs)
    if reason or len(found.pairs) < LEAST:
        raise Unfit(reason or f"{len(found.pairs)} decided pairs: fewer than {LEAST} say nothing")
    pairs = found.pairs.take(sampled(found.pairs, MOST, seed))
    pairs = embedded(pairs, time.monotonic() + seconds * EMBEDDING, seed, progress)
    names = list(recipes)
    fraction = budget.fraction(len(found.pairs))
    others = {name: Contender(recipes[name], fraction, seed) for name in names}
    splits: list[dict[str, Any]] = []
    longest = 0.0
    for number in range(SPLITS):
        began = time.monotonic()
        if len(splits) >= LEAST_SPLITS and began + longest > end:
            break
        progress("comparing", number / SPLITS)
        wanted = Wanted(against=others)
        one = evaluate_split(
            pairs, {}, RECIPES[BASELINE], fraction, number, DRAWS, seed, wanted=wanted
        )
        splits.append(one)
        longest = max(longest, time.monotonic() - began)
    measured = summarise(splits).report()
    if "reason" in measured:
        raise Unfit(str(measured["reason"]))
    rows = [figures(name, splits) for name in names]
    rows.sort(key=lambda row: -row["difference"]["mean"])
    better = [row for row in rows if row["better_than_random"]]
    return {
        "recommended": better[0]["recipe"] if better else None,
        "says": said(better, rows, len(splits), str(budget)) + sampled_to(pairs, found.pairs),
        "recipes": rows,
        "left_out": {n: "needs more than texts, or models that take minutes" for n in RECIPES
                     if n not in {BASELINE, *names, *candidates(None)}},
        "pairs": len(found.pairs), "measured_on": len(pairs), "splits": len(splits), "seed": seed,
        "budget": str(budget), "rejected": found.rejected,
    }  # fmt: skip


def figures(name: str, splits: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """As `summarise` says them, with the recipe in the subset's place."""
    turned = [
        {
            **one,
            "size": one["against"][name]["size"],
            "heads": {
                head: {**one["heads"][head], "subset": one["against"][name]["heads"][head]}
                for head in HEADS
            },
            "against": {},
        }
        for one in splits
    ]
    for one in turned:
        del one["against"]
    report = summarise(turned).report()
    return {
        "recipe": name, "size": report["size"], "accuracy": report["subset"]["accuracy"],
        "random": report["random"]["accuracy"], "full": report["full"]["accuracy"],
        "difference": report["difference"], "better_than_random": report["better_than_random"],
        "heads": {head: report["heads"][head]["difference"] for head in HEADS},
    }  # fmt: skip


def said(
    better: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], splits: int, budget: str
) -> str:
    if not rows:
        return "no recipe could be compared"
    if not better:
        return (
            f"none of {len(rows)} recipes is shown to beat a random {budget} over {splits} splits: "
            "take a random subset, or all pairs"
        )
    best = better[0]
    gain = best["difference"]
    says = f"{best['recipe']}: {gain['mean']:+.3f} over a random {budget}"
    says += f" [{gain['low']:+.3f}, {gain['high']:+.3f}] over {splits} splits, for both heads"
    if best["full"] > best["accuracy"]:
        says += f"; all pairs reach {best['full']:.3f} against its {best['accuracy']:.3f}"
    return says


def sampled_to(pairs: Pairs, of: Pairs) -> str:
    """Said where the time was too short for all pairs, or they are more than are measured on."""
    if len(pairs) == len(of):
        return ""
    return f" (measured on {len(pairs):,} of {len(of):,} pairs)"


def embedded(pairs: Pairs, until: float, seed: int, progress: Progress) -> Pairs:
    """Random pairs with all vectors, as many as there is time for, at least LEAST."""
    from curation.models.embedder import embed

    order = np.random.default_rng([seed, 3]).permutation(len(pairs))
    parts: list[dict[View, Any]] = []
    done = 0
    while done < len(order) and (done < LEAST or time.monotonic() < until):
        some = pairs.take(order[done : done + CHUNK])
        empty = [""] * len(some)
        sides = {
            View.prompt: (empty, some.prompts),
            View.chosen: (empty, some.chosen),
            View.rejected: (empty, some.rejected),
            View.prompt_chosen: (some.prompts, some.chosen),
            View.prompt_rejected: (some.prompts, some.rejected),
        }
        parts.append({view: embed(Texts(empty, *texts)).vectors for view, texts in sides.items()})
        done += len(some)
        progress("embedding", done / len(order))
    vectors = {view: np.concatenate([part[view] for part in parts]) for view in View}
    return replace(pairs.take(order[:done]), vectors=vectors)
