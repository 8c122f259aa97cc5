"""Puts together over splits what an evaluation tells besides: rivals, gates, slices, curves."""

from collections.abc import Mapping, Sequence
from typing import Any

from curation.evaluation.curves import learning_curve
from curation.evaluation.heads import HEADS
from curation.evaluation.intervals import corrected, corrected_ratio

Splits = Sequence[Mapping[str, Any]]
FEW_TESTED = 20  # test pairs a split, on average, below which a slice has no interval


def besides(measured: Splits, ratio: float) -> dict[str, Any]:
    """`behind_gate`, `against`, `slices`, `curve`, as far as the splits have them. `ratio`:
    n_test / n_train."""
    found: dict[str, Any] = {}
    if any("behind_gate" in one for one in measured):
        found["behind_gate"] = behind_gate(measured, ratio)
    if "against" in measured[0]:
        names = list(measured[0]["against"])
        found["against"] = {name: rival(measured, name, ratio) for name in names}
    if "slices" in measured[0]:
        found["slices"] = slices(measured, ratio)
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


def behind_gate(measured: Splits, ratio: float) -> dict[str, Any]:
    """Draws from the pairs that the selector could have taken, `could_take` of all on average: what
    of the subset's gain is the gate's and what the choice's. In a split without a gate they are
    those from all pairs."""
    everyone = [{"could_take": 1.0, "heads": randoms(one)} for one in measured]
    pairs = zip(measured, everyone, strict=True)
    gates: list[Mapping[str, Any]] = [one.get("behind_gate", without) for one, without in pairs]
    heads: dict[str, Any] = {}
    for head in HEADS:
        drawn = [float(gate["heads"][head]) for gate in gates]
        pairs = zip(measured, drawn, strict=True)
        gains = [float(one["heads"][head]["subset"]) - value for one, value in pairs]
        heads[head] = {
            "accuracy": sum(drawn) / len(drawn),
            "difference": corrected(gains, ratio).model_dump(),
        }
    return {"could_take": sum(gate["could_take"] for gate in gates) / len(gates), "heads": heads}


def randoms(one: Mapping[str, Any]) -> dict[str, float]:
    return {head: float(one["heads"][head]["random"]) for head in HEADS}


def slices(measured: Splits, ratio: float) -> dict[str, Any]:
    """Field -> class -> test pairs over all splits, accuracies there by head, and `difference`, the
    subset less random with its interval over splits; a `warning` instead of an interval where the
    class has few test pairs. Classes are not corrected for being many."""
    found: dict[str, Any] = {}
    for field in measured[0]["slices"]:
        values = sorted({value for one in measured for value in one["slices"][field]})
        found[field] = {
            value: one_slice([one["slices"][field].get(value) for one in measured], ratio)
            for value in values
        }
    return found


def one_slice(parts: Sequence[Mapping[str, Any] | None], ratio: float) -> dict[str, Any]:
    """`parts` by split, None where no test pair is of the class."""
    there = [part for part in parts if part]
    tested = [int(part["test"]) for part in there]
    count = sum(tested)
    few = count / len(parts) < FEW_TESTED
    heads: dict[str, Any] = {}
    for head in HEADS:
        right = {
            name: [float(part["heads"][head][name]) for part in there]
            for name in ("subset", "random", "full")
        }
        gains = [a - b for a, b in zip(right["subset"], right["random"], strict=True)]
        difference = corrected_ratio(gains, tested, ratio).model_dump()
        heads[head] = {name: sum(values) / count for name, values in right.items()}
        heads[head]["difference"] = {**difference, **({"low": None, "high": None} if few else {})}
    warning = f"{count / len(parts):.3g} test pairs a split are too few for an interval"
    return {"test": count, "heads": heads, **({"warning": warning} if few else {})}


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
