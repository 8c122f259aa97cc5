"""Runs a recipe on pairs in memory: its terms, the selection, and the checks afterwards."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats, Pairs
from curation.recipes.recipe import Expectation, Recipe
from curation.selectors import Pool, Selection
from curation.selectors.strata import banded_by
from curation.signals import Column, Level, Signal


class Checked(NamedTuple):
    """An expectation and what was found; `met` is None where there is nothing to compare."""

    expectation: Expectation
    met: bool | None
    value: float | None
    reference: float | None


def select(
    recipe: Recipe, pairs: Pairs, given: Mapping[str, Floats], k: int, seed: int
) -> Selection:
    """At most k of the pairs. `given`: values of terms by row, NaN where missing.

    A term that is not given is computed here, a whole-dataset signal on exactly these pairs.
    """
    return recipe.selector.select(pool(recipe, pairs, given), k, seed)


def pool(
    recipe: Recipe,
    pairs: Pairs,
    given: Mapping[str, Floats],
    fields: Mapping[str, Sequence[str]] | None = None,
) -> Pool:
    """The pairs as the recipe's selector wants them. `fields`: classes besides `pairs.fields` and
    what the texts tell; a field that is a term's name has the term's values as classes."""
    selector = recipe.selector
    vectors = selector.vectors_of(pairs) if selector.needs_vectors() else None
    terms = term_values(recipe, pairs, given)
    asked = recipe.selector.field_names()
    known: dict[str, Sequence[str]] = {**text_fields(pairs)} if asked else {}
    known |= {name: classes(terms[name]) for name in asked if name in terms}
    known |= {**pairs.fields, **(fields or {})}
    return Pool(pairs.ids, pairs.prompt_ids, content_ids(pairs), terms, vectors, known)


def classes(values: Floats) -> list[str]:
    """Each value as the name of a class (a topic's number, say); "" where it is missing."""
    return [f"{value:g}" if np.isfinite(value) else "" for value in values.tolist()]


def text_fields(pairs: Pairs) -> dict[str, list[str]]:
    """Classes that the texts tell: `length_band` of the prompt and chosen response, 0 the shortest
    fifth in characters, and `longer`, the response that is longer: chosen, rejected or equal."""
    sizes = [len(p) + len(c) for p, c in zip(pairs.prompts, pairs.chosen, strict=True)]
    gaps = [len(c) - len(r) for c, r in zip(pairs.chosen, pairs.rejected, strict=True)]
    longer = ["chosen" if gap > 0 else "rejected" if gap < 0 else "equal" for gap in gaps]
    return {"length_band": banded_by(np.array(sizes, np.float64), 5), "longer": longer}


def term_values(
    recipe: Recipe, pairs: Pairs, given: Mapping[str, Floats]
) -> dict[str, NDArray[np.float64]]:
    """Every term of the recipe, (n,), NaN where missing; each signal is scored once."""
    values: dict[str, NDArray[np.float64]] = {}
    scored: dict[str, Mapping[str, Column]] = {}
    for term in recipe.terms:
        if term in given:
            values[term] = np.asarray(given[term], np.float64)
            continue
        name, signal, output = recipe.output(term)
        if name not in scored:
            scored[name] = score_by_pair(signal, pairs)
        values[term] = np.asarray(scored[name][output.name].values, np.float64)
    return values


def score_by_pair(signal: Signal, pairs: Pairs) -> dict[str, Column]:
    """The signal's columns, one cell a pair; the score of a prompt is given to all its pairs."""
    items = pairs.distinct_prompts() if signal.level == Level.prompt else pairs
    fit = signal.fit(items) if signal.whole_dataset else None
    columns = signal.score(items, fit).columns
    if signal.level == Level.pair:
        return dict(columns)
    position = {prompt_id: i for i, prompt_id in enumerate(items.ids)}
    rows = np.array([position[prompt_id] for prompt_id in pairs.prompt_ids], np.int64)
    return {
        name: Column(column.values[rows], column.status[rows]) for name, column in columns.items()
    }


def content_ids(pairs: Pairs) -> list[str]:
    """sha256 of the prompt and the unordered two responses: the same for a flipped duplicate."""
    return [
        content_id(prompt, (chosen, rejected))
        for prompt, chosen, rejected in zip(
            pairs.prompts, pairs.chosen, pairs.rejected, strict=True
        )
    ]


def content_id(prompt: str, responses: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for text in (prompt, *sorted(responses)):
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()


def check(recipe: Recipe, pool: Pool, selection: Selection, k: int) -> list[Checked]:
    """What came of the recipe's expectations."""
    return [expected(one, pool, selection, k) for one in recipe.expects]


def expected(one: Expectation, pool: Pool, selection: Selection, k: int) -> Checked:
    if one.term is None:
        kept = len(selection.order)
        return Checked(one, kept == k, float(kept), float(k))
    everything = np.asarray(pool.scores[one.term], np.float64)
    subset = everything[selection.order]
    everything, subset = everything[np.isfinite(everything)], subset[np.isfinite(subset)]
    if len(subset) == 0:
        return Checked(one, None, None, None)
    if one.check == "within":
        return inside(one, subset)
    value, reference = float(subset.mean()), float(everything.mean())
    rounding = 1e-9 * max(abs(reference), 1.0)
    if one.check == "mean_above_pool":
        return Checked(one, value > reference, value, reference)
    return Checked(one, value >= reference - rounding, value, reference)


def inside(one: Expectation, values: Floats) -> Checked:
    """The value farthest outside, or the least one, and the end that it is compared with."""
    least, most = float(values.min()), float(values.max())
    if one.high is not None and (most > one.high or one.low is None):
        return Checked(one, most <= one.high, most, one.high)
    assert one.low is not None
    return Checked(one, least >= one.low, least, one.low)
