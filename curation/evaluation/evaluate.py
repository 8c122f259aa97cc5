"""Does a recipe's subset train a better reward head than a random one of the same size?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.evaluation.composition import composition
from curation.evaluation.heads import HEADS, agreements, kernels
from curation.evaluation.splits import Split, split
from curation.evaluation.wanted import Wanted, by_slice, more
from curation.items import Floats, Indices, Pairs
from curation.recipes.apply import select
from curation.recipes.recipe import Recipe

DRAWS = 5
NOTHING_MORE = Wanted()
MAX_PAIRS = 4000  # inner products of all pairs are held in memory: 128 MB a head


def measurable(pairs: Pairs) -> str | None:
    """Why nothing can be measured on these pairs; None where it can."""
    if len(set(pairs.prompt_ids)) < 5:
        return "fewer than 5 prompts: no fold can be held out"
    return None


def evaluate_split(
    pairs: Pairs,
    given: Mapping[str, Floats],
    recipe: Recipe,
    fraction: float,
    number: int,
    draws: int = DRAWS,
    seed: int = 0,
    max_pairs: int = MAX_PAIRS,
    sign: Floats | None = None,
    wanted: Wanted = NOTHING_MORE,
) -> dict[str, Any]:
    """One shard: split `number`, as a small dict for `summarise`. {"reason": …} where it can't be.

    Selects the fraction from the training pairs (whole-dataset signals are fitted on them alone;
    `given` holds the row-wise terms of all pairs), and trains both heads on the subset, on `draws`
    uniform draws of the same size from all training pairs, and on all training pairs. Where the
    selector could not have taken some (a gate, a missing term), also on as many draws from those
    that it could: what `behind_gate` says. Above `max_pairs` the pairs of randomly chosen prompts
    stand for all.
    `sign` (n,) is -1 where a label counts the other way round in the test: for known wrong labels.
    `wanted` says what is told besides.
    """
    everything = len(pairs)
    rows = sampled(pairs, max_pairs, seed)
    pairs, given = pairs.take(rows), {name: column[rows] for name, column in given.items()}
    truth = np.ones(len(pairs)) if sign is None else np.asarray(sign, np.float64)[rows]
    reason = measurable(pairs)
    if reason:
        return {"reason": reason, "pairs": everything, "prompts": len(set(pairs.prompt_ids))}
    parts = split(pairs, number, seed)
    training = pairs.take(parts.train)
    subset, eligible = chosen(
        recipe, training, {name: column[parts.train] for name, column in given.items()},
        fraction, seed,
    )  # fmt: skip
    if len(subset) == 0 or len(parts.test) == 0:
        return {
            "reason": "the recipe could select no pair" if len(parts.test) else "an empty fold",
            "pairs": everything,
            "prompts": len(set(pairs.prompt_ids)),
        }
    rng = np.random.default_rng([seed, number, 1])
    draws, everyone = max(draws, 1), np.arange(len(training))
    drawn = [rng.choice(everyone, len(subset), replace=False) for _ in range(draws)]
    sets = [subset, everyone, *drawn]
    besides = more(wanted, training, rows[parts.train], rng)
    prompts = len(set(training.prompt_ids))
    behind = drawn_behind(eligible, len(training), len(subset), draws, [seed, number, 2])
    right = judged(pairs, parts, [*sets, *besides.sets, *behind], truth)
    tested = rows[parts.test].tolist()
    classes: dict[str, list[str]] = {
        name: [str(column[row]) for row in tested] for name, column in wanted.by.items()
    }
    result = {
        "pairs": everything,
        "measured": len(pairs),
        "prompts": len(set(pairs.prompt_ids)),
        "train": len(parts.train),
        "test": len(parts.test),
        "size": len(subset),
        "draws": len(drawn),
        "heads": {name: means(table[:, : len(sets)]) for name, table in right.items()},
        "composition": {
            name: composition(training.take(part), prompts).model_dump()
            for name, part in (("pool", sets[1]), ("subset", subset), ("random", drawn[0]))
        },
    }
    return {
        **result,
        **besides.told(right, len(sets), len(training)),
        **behind_gate(right, len(behind), len(eligible) / len(training)),
        **by_slice(right, len(sets), classes),
    }


def chosen(
    recipe: Recipe, training: Pairs, given: Mapping[str, Floats], fraction: float, seed: int
) -> tuple[Indices, Indices]:
    """Rows of the recipe's subset, and of all pairs that it could have selected."""
    k = min(max(round(fraction * len(training)), 1), len(training))
    selection = select(recipe, training, given, k, seed)
    return selection.order, np.flatnonzero(np.isfinite(selection.importance))


def drawn_behind(
    eligible: Indices, everything: int, k: int, draws: int, seed: Sequence[int]
) -> list[Indices]:
    """Uniform draws from what the recipe could have taken; none where that is everything."""
    if len(eligible) == everything:
        return []
    rng = np.random.default_rng(seed)
    return [rng.choice(eligible, k, replace=False) for _ in range(draws)]


def behind_gate(
    right: Mapping[str, NDArray[np.float64]], draws: int, could_take: float
) -> dict[str, Any]:
    """Mean accuracy of the draws, the last columns; {} where there are none."""
    if not draws:
        return {}
    heads = {name: float(table[:, -draws:].mean()) for name, table in right.items()}
    return {"behind_gate": {"could_take": could_take, "heads": heads}}


def judged(
    pairs: Pairs, parts: Split, sets: Sequence[Indices], truth: Floats
) -> dict[str, NDArray[np.float64]]:
    """Head -> (len(test), len(sets)): which test labels it agrees with, trained on each set."""
    weights = np.zeros((len(parts.train), len(sets)))
    for column, rows in enumerate(sets):
        weights[rows, column] = 1
    return {
        name: agreements(kernel, HEADS[name].ridge, weights, parts.train, parts.test, truth)
        for name, kernel in kernels(pairs).items()
    }


def means(right: NDArray[np.float64]) -> dict[str, float]:
    """Accuracy of the subset, all training pairs, and the mean of the draws."""
    found = right.mean(axis=0)
    return {"subset": float(found[0]), "full": float(found[1]), "random": float(found[2:].mean())}


def sampled(pairs: Pairs, limit: int, seed: int) -> NDArray[np.int64]:
    """Rows in the order of ids: so the order of the input changes nothing, not even rounding.

    Above the limit whole prompts, randomly chosen, as long as they fit.
    """
    order = np.array(sorted(range(len(pairs)), key=pairs.ids.__getitem__), np.int64)
    if len(pairs) <= limit:
        return order
    prompts = np.array(pairs.prompt_ids)[order]
    names, of_row, sizes = np.unique(prompts, return_inverse=True, return_counts=True)
    shuffled = np.random.default_rng([seed, 0x5A]).permutation(len(names))
    kept = np.zeros(len(names), np.bool_)
    kept[shuffled[np.cumsum(sizes[shuffled]) <= limit]] = True
    return order[kept[of_row]]
