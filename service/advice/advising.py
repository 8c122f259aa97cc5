"""Compares the applicable recipes on the pairs of some files, split by split, until time is up."""

import shlex
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from curation.evaluation.evaluate import measurable, sampled
from curation.items import Floats, Pairs, Texts, View
from curation.recipes import Budget, Recipe, What
from curation.signals import Signal
from service.advice.candidates import (
    affordable,
    applicable,
    embedding_pace,
)
from service.advice.deciding import SPLITS
from service.advice.measuring import Arena, Contest, arena, measure, row_wise, scored, terms_of
from service.advice.pacing import fits
from service.advice.result import Advice, MakeOut, Run, advice_of
from service.audit.decided import decided
from service.installation import installed

Progress = Callable[[str, float], object]
EMBEDDING = 0.6  # of the time: what is embedded by then is measured on
SCORING = 0.8  # of the time: scores that are there by then are selected by
CHUNK = 16  # pairs that are embedded or scored between two looks at the clock
MOST = 2000  # pairs measured on
LEAST = 100


class Unfit(ValueError):
    """Nothing can be said of these files; in words."""


class Clock:
    """Seconds since it was made, or `began`, out of those that were given."""

    def __init__(self, seconds: float, began: float | None = None) -> None:
        self.began, self.seconds = time.monotonic() if began is None else began, seconds

    def used(self) -> float:
        return time.monotonic() - self.began

    def left(self, share: float = 1.0) -> float:
        """Until this share of the time is over."""
        return self.seconds * share - self.used()


def advice(
    files: Sequence[Path],
    recipes: Mapping[str, Recipe] | None,
    budget: Budget,
    *,
    seconds: float,
    seeds: Sequence[int] = (0,),
    splits: int = SPLITS,
    layout: str | None = None,
    progress: Progress = lambda _, __: None,
    began: float | None = None,
) -> Advice:
    """`recipes`: None for all that apply. `began`: by `time.monotonic`, where before. Raises Unfit.

    The same files, recipes and seeds give the same answer as long as the same was measured.
    """
    clock = Clock(seconds, began)
    found = decided(files, layout)
    if found.media:
        raise Unfit("the responses are no texts: recipes can't be compared on them")
    refuse_few(found.pairs)
    pairs = found.pairs.take(sampled(found.pairs, MOST, seeds[0]))
    pairs, pace = embedded(pairs, clock, seeds[0], progress)
    present = files_hold(found.pairs)
    picked = applicable(recipes, present, facts=False)
    picked = affordable(picked, present, len(pairs), clock.left(), pace)
    terms = all_scored(picked.recipes, pairs, clock, progress)
    fraction = budget.fraction(len(found.pairs))
    contests = {
        name: Contest(recipe, fraction, terms_of(recipe, terms))
        for name, recipe in picked.recipes.items()
        if all(signal.identity() in terms for signal in row_wise(recipe))
    }
    results = compared(lambda: arena(pairs), contests, seeds, splits, clock, progress)
    run = Run(
        contenders=picked.recipes, left_out=picked.left_out, present=present, found=results,
        pairs=len(found.pairs), measured_on=len(pairs), rejected=found.rejected, seeds=seeds,
        budget=str(budget), fraction=fraction, seconds=seconds, used=clock.used(),
        planned=splits * len(seeds),
    )  # fmt: skip
    return advice_of(run, lambda name: command_for(name, files, budget, seeds[0]))


def refuse_few(pairs: Pairs) -> None:
    """Raises Unfit."""
    reason = measurable(pairs)
    if reason or len(pairs) < LEAST:
        raise Unfit(reason or f"{len(pairs)} decided pairs: fewer than {LEAST} say nothing")


def files_hold(pairs: Pairs) -> dict[What, int]:
    return {**dict.fromkeys(What, 0), **installed(), What.pairs: len(pairs)}


def compared(
    place: Callable[[], Arena], contests: Mapping[str, Contest], seeds: Sequence[int], splits: int,
    clock: Clock, progress: Progress,
) -> dict[str, list[dict[str, Any]]]:  # fmt: skip
    """What `measure` gave, by contender, one seed after the other, as far as there is time."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    if not contests or clock.left() <= 0:
        return found
    inside = place()
    spent: dict[str, list[float]] = {name: [] for name in contests}
    units = [(s, n, name) for s in seeds for n in range(splits) for name in contests]
    for at, (seed, number, name) in enumerate(units):
        progress("comparing", at / len(units))
        if not fits(name, spent, clock.left()):
            continue
        began = clock.used()
        found[name].append(measure(inside, contests[name], seed, number))
        spent[name].append(clock.used() - began)
    return found


def all_scored(
    recipes: Mapping[str, Recipe], pairs: Pairs, clock: Clock, progress: Progress
) -> dict[str, Mapping[str, Floats]]:
    """Row-wise scores by signal; signals that could not be computed in time are not in it."""
    found: dict[str, Mapping[str, Floats]] = {}
    for recipe in recipes.values():
        for signal in row_wise(recipe):
            if signal.identity() not in found:
                values = in_time(signal, pairs, clock, progress)
                if values is not None:
                    found[signal.identity()] = values
    return found


def in_time(
    signal: Signal, pairs: Pairs, clock: Clock, progress: Progress
) -> dict[str, Floats] | None:
    parts: list[dict[str, Floats]] = []
    longest = 0.0
    for start in range(0, len(pairs), CHUNK):
        if clock.left(SCORING) < longest:
            return None
        progress("scoring", start / len(pairs))
        began = clock.used()
        rows = np.arange(start, min(start + CHUNK, len(pairs)))
        parts.append(scored(signal, pairs.take(rows)))
        longest = max(longest, clock.used() - began)
    names = [output.name for output in signal.outputs]
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def embedded(pairs: Pairs, clock: Clock, seed: int, progress: Progress) -> tuple[Pairs, float]:
    """Random pairs with all vectors, as many as there is time for, and this machine's pace.

    Raises Unfit as soon as it shows that there is no time for LEAST of them.
    """
    from curation.models.embedder import embed

    embed(Texts([""], [""], ["warm"]))  # loads the model: no measure of the pace
    order = np.random.default_rng([seed, 3]).permutation(len(pairs))
    parts: list[dict[View, Any]] = []
    done, began = 0, clock.used()
    while done < len(order):
        each = (clock.used() - began) / max(done, 1)
        if done >= LEAST and clock.left(EMBEDDING) < each * CHUNK:
            break
        refuse_slow(each, done, clock)
        some = pairs.take(order[done : done + CHUNK])
        parts.append(vectors_of(some))
        done += len(some)
        progress("embedding", done / len(order))
    pace = embedding_pace(clock.used() - began, done * len(View))
    vectors = {view: np.concatenate([part[view] for part in parts]) for view in View}
    return replace(pairs.take(order[:done]), vectors=vectors), pace


def refuse_slow(each: float, done: int, clock: Clock) -> None:
    """`each`: seconds a pair. Raises Unfit."""
    needed = clock.used() + each * max(LEAST - done, 0)
    if needed > clock.seconds * SCORING:
        raise Unfit(too_short(clock.seconds, each, needed / EMBEDDING))


def too_short(seconds: float, each: float, enough: float) -> str:
    return (
        f"{seconds:,.0f} s are too short: to embed a pair takes {each:.2f} s here, and fewer than "
        f"{LEAST} pairs say nothing; give at least {enough:,.0f} s"
    )


def vectors_of(some: Pairs) -> dict[View, Any]:
    from curation.models.embedder import embed

    empty = [""] * len(some)
    sides = {
        View.prompt: (empty, some.prompts),
        View.chosen: (empty, some.chosen),
        View.rejected: (empty, some.rejected),
        View.prompt_chosen: (some.prompts, some.chosen),
        View.prompt_rejected: (some.prompts, some.rejected),
    }
    return {view: embed(Texts(empty, *texts)).vectors for view, texts in sides.items()}


def command_for(name: str, files: Sequence[Path], budget: Budget, seed: int) -> MakeOut:
    words = ["prefsift", "curate", *map(str, files), "--recipe", name, "--budget", str(budget)]
    command = shlex.join([*words, "--seed", str(seed), "--out", "curated"])
    return MakeOut(command=command, path=None, body=None)
