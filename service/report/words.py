"""The report's numbers in plain words: verdict, intervals, reasons, units."""

from collections.abc import Mapping
from typing import Any

from service.report.report import LabelsLine

SETS = {"subset": "subset", "random": "random, same size", "full": "all pairs"}
HEADS = ("selecting", "independent")
REASONS = {
    "selected": "kept",
    "over_budget": "scored lower than the pairs kept",
    "prompt_cap": "its prompt has enough pairs already",
    "duplicate_pair": "the same two texts are there already",
}


def verdict(evaluation: Mapping[str, Any] | None) -> str:
    """One sentence: is the subset better than a random one of its size?"""
    if evaluation is None:
        return "Not evaluated: nothing is claimed about this subset."
    if "subset" not in evaluation:
        return f"Can't tell: {evaluation.get('reason', 'it was not measured')}."
    answer = evaluation.get("better_than_random")
    gain = signed_interval(evaluation["difference"])
    if answer is True:
        text = f"Yes: better than random ({gain} accuracy for the independent head)."
    elif answer is False:
        text = f"No better than random ({gain} accuracy for the independent head)."
    else:
        text = f"Can't tell whether it is better than random ({gain} for the independent head)."
    warning = evaluation.get("warning")
    return f"{text} Caution: {warning}." if warning else text


def gate(evaluation: Mapping[str, Any] | None) -> str:
    """What of the gain is the choice's, where not all pairs could have been taken; else ""."""
    found = (evaluation or {}).get("behind_gate")
    if not found:
        return ""
    gain = signed_interval(found["heads"]["independent"]["difference"])
    return (
        f"The recipe could have taken {percent(found['could_take'])} of the pairs. Over random "
        f"ones of these it gains {gain} for the independent head; the rest of the difference is "
        "what was left out before."
    )


def short_verdict(evaluation: Mapping[str, Any] | None) -> str:
    """One of "yes", "no" and "can't tell"."""
    answer = (evaluation or {}).get("better_than_random")
    return "can't tell" if answer is None else "yes" if answer else "no"


def heads(evaluation: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The figures of both heads, each with its name; [] where nothing was measured."""
    found = (evaluation or {}).get("heads") or {}
    return [
        {"name": name, **found[name]}
        for name in HEADS
        if found.get(name) and "subset" in found[name]
    ]


def interval(value: Mapping[str, Any] | None) -> str:
    if not value or value.get("accuracy") is None:
        return "–"
    middle = percent(value["accuracy"])
    if value.get("low") is None:
        return middle
    return f"{middle} [{percent(value['low'])}, {percent(value['high'])}]"


def signed_interval(value: Mapping[str, Any] | None) -> str:
    if not value or value.get("mean") is None:
        return "–"
    middle = f"{100 * value['mean']:+.1f} points"
    if value.get("low") is None:
        return middle
    return f"{middle} [{100 * value['low']:+.1f}, {100 * value['high']:+.1f}]"


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def measure(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    if unit == "share":
        return percent(value)
    if unit == "ratio":
        return f"{value:.2f}"
    return f"{value:,.0f}"


def labels(line: LabelsLine) -> str:
    """Whose labels leave, and what was done for it."""
    of = line.of if line.version is None else f"{line.of}, version {line.version} of the verdicts"
    done = [f"{count:,} × {what.replace('_', ' ')}" for what, count in line.counts.items()]
    return f"{of}. {', '.join([*done, f'{line.left_out:,} pairs left out for it'])}."


def reason(code: str) -> str:
    if code.startswith("missing:"):
        return f"no value for {code.removeprefix('missing:')}"
    if code.startswith("gate:"):
        return f"left out by its {code.removeprefix('gate:')}"
    return REASONS.get(code, code.replace("_", " "))


def metrics(values: Mapping[str, float]) -> str:
    """What a fit measured; the figures of its parts (`accuracy_<part>`) as their range."""
    shown: list[str] = []
    for name in sorted(values):
        if any(name.startswith(f"{whole}_") for whole in values):
            continue
        parts = [values[part] for part in values if part.startswith(f"{name}_")]
        spread = f" (of its parts {number(min(parts))} to {number(max(parts))})" if parts else ""
        shown.append(f"{name.replace('_', ' ')} {number(values[name])}{spread}")
    return ", ".join(shown) or "–"


def number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 2 else f"{value:.3f}"


def enough(curve: Mapping[str, Any]) -> str:
    """What a learning curve recommends, in a sentence."""
    if curve["recommended"] is None:
        return f"{curve['why']}."
    shape = "an exponential plateau" if curve["shape"] == "plateau" else "a power law"
    return (
        f"{curve['recommended']:,} random pairs reach 95 % of the way from guessing to "
        f"{curve['ceiling']:.3f}, which leaves out {curve['saved']:.0%} of the cost; {shape} "
        "describes the points best (AICc)."
    )
