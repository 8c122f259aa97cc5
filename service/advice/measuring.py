"""One recipe on one split: heads trained on what it keeps, on random pairs, and on all."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.evaluation import DRAWS
from curation.evaluation.evaluate import chosen
from curation.evaluation.heads import HEADS, agreements, kernels
from curation.evaluation.splits import split
from curation.items import Floats, Pairs
from curation.recipes import Recipe
from curation.recipes.apply import score_by_pair
from curation.signals import Level, Signal
from service.advice.deciding import Accuracies, Measured


class Arena(NamedTuple):
    """Pairs with vectors, and by head the inner products of their feature differences."""

    pairs: Pairs
    grams: Mapping[str, NDArray[np.float64]]


class Contest(NamedTuple):
    """A recipe that keeps this fraction of the training pairs. `given`: its terms that depend on
    one row, of all pairs of the arena; the others are fitted inside each training fold."""

    recipe: Recipe
    fraction: float
    given: Mapping[str, Floats] = {}


def arena(pairs: Pairs) -> Arena:
    return Arena(pairs, kernels(pairs))


def measure(arena: Arena, contest: Contest, seed: int, number: int) -> dict[str, Any]:
    """JSON values: what `Measured` says with the seconds it took, or {"reason": …}.

    Every recipe that keeps as many pairs is held against the same random ones.
    """
    began = time.monotonic()
    parts = split(arena.pairs, number, seed)
    if len(parts.test) == 0 or len(parts.train) == 0:
        return {"reason": "an empty fold"}
    training = arena.pairs.take(parts.train)
    given = {name: column[parts.train] for name, column in contest.given.items()}
    try:
        subset, _ = chosen(contest.recipe, training, given, contest.fraction, seed)
    except (ValueError, LookupError, ArithmeticError) as error:
        return {"reason": f"it fails on {len(training):,} pairs: {error}"}
    if len(subset) == 0:
        return {"reason": "it keeps no pair"}
    rng = np.random.default_rng([seed, number, 1])
    everyone = np.arange(len(training))
    sets = [subset, everyone]
    sets += [rng.choice(everyone, len(subset), replace=False) for _ in range(DRAWS)]
    weights = np.zeros((len(training), len(sets)))
    for column, rows in enumerate(sets):
        weights[rows, column] = 1
    truth = np.ones(len(arena.pairs))
    heads: dict[str, list[float]] = {}
    for name, gram in arena.grams.items():
        ridge = HEADS[name].ridge
        right = agreements(gram, ridge, weights, parts.train, parts.test, truth).mean(axis=0)
        heads[name] = [float(right[0]), float(right[2:].mean()), float(right[1])]
    return {
        "seed": seed, "number": number, "train": len(training), "test": len(parts.test),
        "size": len(subset), "heads": heads, "seconds": time.monotonic() - began,
    }  # fmt: skip


def measured(found: Mapping[str, Any]) -> Measured:
    """Of what `measure` gave."""
    heads = {name: Accuracies(*values) for name, values in found["heads"].items()}
    return Measured(
        found["seed"], found["number"], found["train"], found["test"], found["size"], heads
    )


def row_wise(recipe: Recipe) -> list[Signal]:
    """Its signals whose scores depend on one row alone: computed once, not in each fold."""
    return [
        signal
        for signal in recipe.signals.values()
        if not signal.whole_dataset and signal.level != Level.text
    ]


def terms_of(recipe: Recipe, scored: Mapping[str, Mapping[str, Floats]]) -> dict[str, Floats]:
    """The terms of row-wise signals. `scored`: signal's identity -> output -> values by pair."""
    found: dict[str, Floats] = {}
    for term in recipe.terms:
        _, signal, output = recipe.output(term)
        if not signal.whole_dataset and signal.identity() in scored:
            found[term] = scored[signal.identity()][output.name]
    return found


def scored(signal: Signal, pairs: Pairs) -> dict[str, Floats]:
    """Output -> values by pair of a row-wise signal."""
    return {name: column.values for name, column in score_by_pair(signal, pairs).items()}
