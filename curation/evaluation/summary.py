"""Puts the splits of an evaluation together: figures, intervals and the verdict."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from curation.evaluation.besides import besides
from curation.evaluation.composition import Composition
from curation.evaluation.heads import HEADS, TOP
from curation.evaluation.intervals import Interval, corrected

FEW_PAIRS = 100
FEW_PROMPTS = 20
BESIDES = ("behind_gate", "against", "slices", "curve")  # there only where there is such a thing


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Accuracy(Frozen):
    """Share of held-out labels that the head agrees with, and its 95 % interval."""

    accuracy: float
    low: float | None
    high: float | None


class Figures(Frozen):
    """What one head found. `difference` is subset − random, paired by split."""

    judge: str
    splits: int
    seeds: int
    subset: Accuracy
    random: Accuracy
    full: Accuracy
    difference: Interval
    better_than_random: bool | None


class Compositions(Frozen):
    """Means over the splits; `random` is the first draw, of the subset's size."""

    pool: Composition
    subset: Composition
    random: Composition


class Evaluation(Frozen):
    """The figures of the independent, stronger head, and both heads below.

    `better_than_random` is true where the 95 % interval of the difference lies above 0 for both
    heads, false where it does not, None where it cannot be said: a single split, the same gain in
    all of them, fewer than 100 pairs or 20 prompts (then `warning` says so), or nothing measured
    (then `reason` says why and the figures are None). `pairs`, `size`: pairs evaluated on, and mean
    size of a subset. `random` draws from all training pairs; `behind_gate` from those that the
    selector could have taken, where it could not take all. `against`, `slices`, `curve` where they
    were asked for:
    curation.evaluation.besides.
    """

    judge: str | None = None
    splits: int = 0
    seeds: int = 0
    subset: Accuracy | None = None
    random: Accuracy | None = None
    full: Accuracy | None = None
    difference: Interval | None = None
    better_than_random: bool | None = None
    heads: dict[str, Figures] = {}
    pairs: int = 0
    size: float | None = None
    composition: Compositions | None = None
    behind_gate: dict[str, Any] | None = None
    against: dict[str, Any] | None = None
    slices: dict[str, Any] | None = None
    curve: dict[str, Any] | None = None
    warning: str | None = None
    reason: str | None = None

    def report(self) -> dict[str, Any]:
        """As JSON values; {"reason": …} alone where nothing was measured."""
        if self.reason:
            return {"reason": self.reason}
        body = self.model_dump(mode="json")
        del body["reason"]
        for name in ("warning", *BESIDES):
            if body[name] is None:
                del body[name]
        return body


def summarise(splits: Sequence[Mapping[str, Any]]) -> Evaluation:
    """The evaluation from the dicts of `evaluate_split`, in any order of the splits."""
    measured = [one for one in splits if "heads" in one]
    if not measured:
        reasons = sorted({str(one["reason"]) for one in splits}) or ["no split was evaluated"]
        return Evaluation(reason="; ".join(reasons))
    small = too_small(measured[0])
    heads = {name: figures(name, measured, judging=not small) for name in HEADS}
    verdicts = [head.better_than_random for head in heads.values()]
    top = heads[TOP]
    shared = top.model_dump(exclude={"better_than_random"})
    return Evaluation.model_validate(
        {
            **shared,
            "better_than_random": None if None in verdicts else all(verdicts),
            "heads": {name: head.model_dump() for name, head in heads.items()},
            "pairs": measured[0]["measured"],
            "size": float(np.mean([one["size"] for one in measured])),
            "composition": compositions(measured),
            **besides(measured, float(np.mean([one["test"] / one["train"] for one in measured]))),
            "warning": "; ".join(filter(None, [small, *caveats(splits, measured)])) or None,
        }
    )


def figures(name: str, measured: Sequence[Mapping[str, Any]], judging: bool) -> Figures:
    ratio = float(np.mean([one["test"] / one["train"] for one in measured]))
    by_set = {
        part: [float(one["heads"][name][part]) for one in measured]
        for part in ("subset", "random", "full")
    }
    gains = [a - b for a, b in zip(by_set["subset"], by_set["random"], strict=True)]
    difference = corrected(gains, ratio)
    accuracy = {part: share(corrected(values, ratio)) for part, values in by_set.items()}
    return Figures(
        judge=HEADS[name].title,
        splits=len(measured),
        seeds=int(measured[0]["draws"]),
        **accuracy,
        difference=difference,
        better_than_random=better(difference) if judging else None,
    )


def better(difference: Interval) -> bool | None:
    """None for one split, and for a gain that is the same in all: no spread is no certainty."""
    if difference.low is None or (difference.low == difference.high and difference.mean > 0):
        return None
    return difference.low > 0


def share(interval: Interval) -> Accuracy:
    """An accuracy's bounds stay within 0 and 1."""
    low = None if interval.low is None else max(interval.low, 0.0)
    high = None if interval.high is None else min(interval.high, 1.0)
    return Accuracy(accuracy=interval.mean, low=low, high=high)


def too_small(one: Mapping[str, Any]) -> str | None:
    pairs, prompts = int(one["pairs"]), int(one["prompts"])
    if pairs >= FEW_PAIRS and prompts >= FEW_PROMPTS:
        return None
    return f"{pairs} pairs of {prompts} prompts are too few to say whether it is better"


def caveats(
    splits: Sequence[Mapping[str, Any]], measured: Sequence[Mapping[str, Any]]
) -> list[str]:
    found: list[str] = []
    if len(measured) < len(splits):
        found.append(f"{len(splits) - len(measured)} of {len(splits)} splits could not be measured")
    one = measured[0]
    if one["measured"] < one["pairs"]:
        found.append(f"measured on {one['measured']} randomly chosen of {one['pairs']} pairs")
    return found


def compositions(measured: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float | None]]:
    """Each figure's mean over the splits that have it."""
    result: dict[str, dict[str, float | None]] = {}
    for part in Compositions.model_fields:
        result[part] = {}
        for name in Composition.model_fields:
            cells = [one["composition"][part][name] for one in measured]
            known = [float(cell) for cell in cells if cell is not None]
            result[part][name] = float(np.mean(known)) if known else None
    return result
