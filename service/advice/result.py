"""What advice says, as JSON values: every recipe's figures, the recommendation, and why."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import exp, log
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from curation.evaluation.heads import HEADS, TOP
from curation.evaluation.intervals import Interval
from curation.recipes import Recipe, What, runs
from service.advice.candidates import Code, LeftOut, price
from service.advice.deciding import (
    CHANCE,
    LEAST_SPLITS,
    Decision,
    Measured,
    Splits,
    Verdict,
    decide,
)
from service.advice.measuring import measured


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HeadOut(Frozen):
    """Mean accuracy on held-out prompts, of heads trained on three sets of pairs."""

    accuracy: float = Field(description="trained on what the recipe keeps", examples=[0.64])
    random: float = Field(description="trained on as many random pairs", examples=[0.61])
    full: float = Field(description="trained on all pairs", examples=[0.66])
    gain: Interval = Field(description="recipe less random, with its 95 % interval")
    least: float | None = Field(
        description="lower end of the gain that decides: corrected for the number of recipes"
    )


class ComparedOut(Frozen):
    name: str = Field(description="id of a recipe or subset", examples=["safe_default"])
    runs: str = Field(examples=["full"])
    degraded: list[str] = Field(description="what a degraded run does instead")
    splits: int = Field(description="training/test splits that it was measured on", examples=[10])
    size: float = Field(description="pairs kept of a training fold, on average")
    seconds: float = Field(description="that measuring it took, all splits together")
    cost: float = Field(description="seconds a thousand pairs to select by it, without embedding")
    heads: dict[str, HeadOut]
    p: float = Field(
        description="one-sided, of a gain of 0 or less for the head that gains less; corrected"
    )
    better_than_random: bool = Field(description="`least` lies above 0 for both heads")


class LeftOutOut(Frozen):
    name: str
    runs: str = Field(examples=["needs:[gold >= 30]"])
    code: Code
    why: str


class SeedOut(Frozen):
    """What one seed alone would have said."""

    seed: int
    splits: int
    recommended: str | None


class SavedOut(Frozen):
    """What the recommended subset saves, against all pairs and against random ones."""

    pairs: int = Field(description="that need not be labelled or trained on", examples=[2081])
    share: float = Field(examples=[0.9])
    full_less_accuracy: float = Field(description="accuracy of all pairs less the subset's")
    random_pairs: int | None = Field(
        description="random pairs for the same accuracy, between the budget and all pairs along "
        "the logarithm of their number; null: more than all"
    )


class MakeOut(Frozen):
    """How to make the recommended subset."""

    command: str
    path: str | None = Field(description="where to POST the body; null where only files were read")
    body: dict[str, Any] | None


class Advice(Frozen):
    """Accuracies are of held-out prompts; `confidence` is 0..1, corrected for the recipes."""

    recommended: str | None = Field(description="null: none is shown to beat random pairs")
    tied: list[str] = Field(description="not shown to be worse than the best; cheapest first")
    confidence: float = Field(
        description="that the recommended recipe beats random; where there is none, that the "
        "nearest does"
    )
    needed: float = Field(description="confidence from which a recipe is recommended")
    says: str
    recipes: list[ComparedOut] = Field(description="largest gain first")
    left_out: list[LeftOutOut]
    by_seed: list[SeedOut]
    saved: SavedOut | None
    make: MakeOut | None
    pairs: int = Field(description="that could be measured on")
    measured_on: int = Field(description="random ones of these, where fewer")
    rejected: int = Field(description="lines that could not be read")
    seeds: list[int]
    budget: str
    seconds: float = Field(description="that were given")
    used: float = Field(description="seconds from the start to the answer")
    ended: bool = Field(description="whether the time ended before everything was compared")


class Run(NamedTuple):
    """What was compared and what came of it. `found`: what `measure` gave, by contender."""

    contenders: Mapping[str, Recipe]
    left_out: Sequence[LeftOut]
    present: Mapping[What, int]
    found: Mapping[str, Sequence[Mapping[str, Any]]]
    pairs: int
    measured_on: int
    rejected: int
    seeds: Sequence[int]
    budget: str
    fraction: float
    seconds: float
    used: float
    planned: int  # splits of each contender


def advice_of(run: Run, make: Callable[[str], MakeOut | None]) -> Advice:
    """`make`: how to make the subset of a contender."""
    known = {name: splits_of(run.found.get(name, ())) for name in run.contenders}
    cost = {name: price(recipe) for name, recipe in run.contenders.items()}
    decision = decide(known, cost)
    rows = [compared(run, name, known[name], each) for name, each in decision.verdicts.items()]
    rows.sort(key=lambda row: (-row.heads[TOP].gain.mean, row.name))
    best = next((row for row in rows if row.name == decision.recommended), None)
    return Advice(
        recommended=decision.recommended,
        tied=list(decision.tied),
        confidence=decision.confidence,
        needed=1 - CHANCE,
        says=said(decision, rows, run),
        recipes=rows,
        left_out=[*map(of, run.left_out), *unmeasured(run, known)],
        by_seed=[
            SeedOut(seed=seed, splits=splits, recommended=found)
            for seed in run.seeds
            for found, splits in [alone(known, cost, seed)]
        ],
        saved=None if best is None else saved(best, run),
        make=None if decision.recommended is None else make(decision.recommended),
        pairs=run.pairs, measured_on=run.measured_on, rejected=run.rejected, seeds=list(run.seeds),
        budget=run.budget, seconds=run.seconds, used=round(run.used, 1),
        ended=any(len(run.found.get(name, ())) < run.planned for name in run.contenders)
        or any(each.code == "time" for each in run.left_out),
    )  # fmt: skip


def splits_of(found: Sequence[Mapping[str, Any]]) -> list[Measured]:
    return [measured(one) for one in found if "heads" in one]


def alone(
    known: Mapping[str, Splits], cost: Mapping[str, float], seed: int
) -> tuple[str | None, int]:
    """What the splits of one seed recommend, and how many there are of each recipe at most."""
    own = {name: [one for one in splits if one.seed == seed] for name, splits in known.items()}
    return decide(own, cost).recommended, max(map(len, own.values()), default=0)


def compared(run: Run, name: str, splits: Splits, verdict: Verdict) -> ComparedOut:
    found = runs(run.contenders[name].needs, run.present)
    heads = {
        head: HeadOut(
            accuracy=mean([one.heads[head].recipe for one in splits]),
            random=mean([one.heads[head].random for one in splits]),
            full=mean([one.heads[head].full for one in splits]),
            gain=verdict.gain[head],
            least=verdict.least[head],
        )
        for head in HEADS
    }
    return ComparedOut(
        name=name,
        runs=str(found),
        degraded=list(found.sentences()),
        splits=len(splits),
        size=mean([one.size for one in splits]),
        seconds=round(sum(float(one.get("seconds", 0)) for one in run.found[name]), 1),
        cost=price(run.contenders[name]),
        heads=heads,
        p=verdict.p,
        better_than_random=verdict.better,
    )


def unmeasured(run: Run, known: Mapping[str, Splits]) -> list[LeftOutOut]:
    """Contenders with too few splits: the time ended, or they failed."""
    left: list[LeftOutOut] = []
    for name, recipe in run.contenders.items():
        if len(known[name]) >= LEAST_SPLITS:
            continue
        reasons = Counter(str(one["reason"]) for one in run.found.get(name, ()) if "reason" in one)
        why = f"the time ended after {len(known[name])} of {run.planned} splits"
        code: Code = "failed" if reasons else "time"
        why = max(reasons, key=reasons.__getitem__) if reasons else why
        found = str(runs(recipe.needs, run.present))
        left.append(LeftOutOut(name=name, runs=found, code=code, why=why))
    return left


def of(left: LeftOut) -> LeftOutOut:
    return LeftOutOut(name=left.recipe, runs=left.runs, code=left.code, why=left.why)


def saved(best: ComparedOut, run: Run) -> SavedOut:
    head = best.heads[TOP]
    kept = round(run.fraction * run.pairs)
    return SavedOut(
        pairs=run.pairs - kept,
        share=1 - run.fraction,
        full_less_accuracy=head.full - head.accuracy,
        random_pairs=random_pairs(head, kept, run.pairs),
    )


def random_pairs(head: HeadOut, kept: int, pairs: int) -> int | None:
    """How many random pairs reach the recipe's accuracy, by the two points that are known."""
    if head.accuracy >= head.full or kept < 1:
        return None
    way = (head.accuracy - head.random) / (head.full - head.random)
    return round(exp(log(kept) + way * (log(pairs) - log(kept))))


def said(decision: Decision, rows: Sequence[ComparedOut], run: Run) -> str:
    """The whole in a sentence or two."""
    sample = ""
    if run.measured_on < run.pairs:
        sample = f" (measured on {run.measured_on:,} of {run.pairs:,} pairs)"
    if not rows:
        return "no recipe could be compared" + sample
    if decision.recommended is None:
        nearest = min(rows, key=lambda row: (row.p, -row.heads[TOP].gain.mean, row.name))
        return (
            f"none of {len(rows)} recipes is shown to beat a random {run.budget}: take a random "
            f"subset, or all pairs; {nearest.name} comes nearest, {decision.confidence:.1%} sure "
            f"where {1 - CHANCE:.1%} is asked for{sample}"
        )
    best = next(row for row in rows if row.name == decision.recommended)
    head = best.heads[TOP]
    low, high = head.gain.low or 0.0, head.gain.high or 0.0
    says = (
        f"{best.name}: {head.gain.mean:+.3f} over as many random pairs [{low:+.3f}, {high:+.3f}], "
        f"{best.splits} splits; {decision.confidence:.1%} sure that it is better for both heads, "
        f"corrected for {len(rows)} recipes"
    )
    others = [name for name in decision.tied if name != best.name]
    if others:
        says += f"; not shown to differ from it, and dearer: {', '.join(others)}"
    if head.full > head.accuracy:
        says += f"; all pairs reach {head.full:.3f} against its {head.accuracy:.3f}"
    return says + sample


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
