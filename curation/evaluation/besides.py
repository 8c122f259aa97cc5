"""Puts together over splits what an evaluation tells besides: rivals, slices, learning curves."""

from collections.abc import Mapping, Sequence
from typing import Any

from curation.evaluation.curves import learning_curve
from curation.evaluation.heads import HEADS
from curation.evaluation.intervals import corrected

Splits = Sequence[Mapping[str, Any]]


def besides(measured: Splits, ratio: float) -> dict[str, Any]:
    """`against`, `slices`, `curve`, as far as the splits have them. `ratio`: n_test / n_train."""
    found: dict[str, Any] = {}
    if "against" in measured[0]:
        names = list(measured[0]["against"])
        found["against"] = {name: rival(measured, name, ratio) for name in names}
    if "slices" in measured[0]:
        found["slices"] = slices(measured)
    if "curve" in measured[0]:
        available = int(sum(one["train"] for one in measured) / len(measured))
        found["curve"] = {name: curve(measured, name, available) for name in HEADS}
    return found


def rival(measured: Splits, name: str, ratio: float) -> dict[str, Any]:
    """Another subset: its accuracy, and the subset less it, paired by split, with intervals."""
    sizes = [one["against"][name]["size"] for one in measured]
    heads: dict[str, Any] = {}
    for head in HEADS:
        theirs = [float(one["against"][name]["heads"][head]) for one in measured]
        ours = [float(one["heads"][head]["subset"]) for one in measured]
        gains = [a - b for a, b in zip(ours, theirs, strict=True)]
        heads[head] = {
            "accuracy": sum(theirs) / len(theirs),
            "difference": corrected(gains, ratio).model_dump(),
        }
    return {"size": sum(sizes) / len(sizes), "heads": heads}


def slices(measured: Splits) -> dict[str, Any]:
    """Field -> class -> test pairs over all splits, and accuracies there by head."""
    found: dict[str, Any] = {}
    for field in measured[0]["slices"]:
        values = sorted({value for one in measured for value in one["slices"][field]})
        found[field] = {}
        for value in values:
            parts = [
                one["slices"][field][value] for one in measured if value in one["slices"][field]
            ]
            count = sum(part["test"] for part in parts)
            heads = {
                head: {
                    name: sum(part["heads"][head][name] for part in parts) / count
                    for name in ("subset", "random", "full")
                }
                for head in HEADS
            }
            found[field][value] = {"test": count, "heads": heads}
    return found


def curve(measured: Splits, head: str, available: int) -> dict[str, Any]:
    """Sizes differ by a pair or two between splits: those of one rank are taken as the first's."""
    sizes = measured[0]["curve"]["sizes"]
    points = [
        (size, accuracy)
        for one in measured
        for size, accuracy in zip(sizes, one["curve"]["heads"][head], strict=False)
    ]
    found = learning_curve([size for size, _ in points], [y for _, y in points], available)
    return found.model_dump()
