"""What one seed of a benchmark's file says: an AUROC an arm, and why the other arms have none."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from scipy.stats import t as student

FAMILIES = ("mean vote", "single reward model", "cleanlab", "crowd-kit", "prefsift")


@dataclass
class Outcome:
    """`auroc` by arm, .5 a coin; `cannot`: a family of arms -> why it can't run on the file."""

    what: str
    auroc: dict[str, float] = field(default_factory=dict[str, float])
    cannot: dict[str, str] = field(default_factory=dict[str, str])
    cpu_seconds: float = 0.0

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def interval(found: Sequence[float]) -> tuple[float, float]:
    """Mean over seeds and half the width of its 95 % interval; NaN for one seed."""
    if len(found) < 2:
        return float(np.mean(found)), float("nan")
    half = student.ppf(0.975, len(found) - 1) * np.std(found, ddof=1) / np.sqrt(len(found))
    return float(np.mean(found)), float(half)


def by_arm(outcomes: Sequence[Outcome]) -> dict[str, tuple[float, float]]:
    arms = dict.fromkeys(arm for each in outcomes for arm in each.auroc)
    return {arm: interval([each.auroc[arm] for each in outcomes if arm in each.auroc])
            for arm in arms}  # fmt: skip


def detailed(name: str, outcomes: Sequence[Outcome]) -> str:
    """Every arm of a file."""
    seconds = np.mean([each.cpu_seconds for each in outcomes])
    lines = [f"{name} ({outcomes[0].what}; {len(outcomes)} seeds, {seconds:.0f} CPU-seconds each)"]
    lines += [f"  {arm:52} {said(*of)}" for arm, of in by_arm(outcomes).items()]
    lines += [f"  {family:52} can't: {why}" for family, why in outcomes[0].cannot.items()]
    return "\n".join(lines)


def side_by_side(found: Mapping[str, Sequence[Outcome]]) -> str:
    """A table in Markdown: of each family its best arm on the file, chosen with hindsight; of
    prefsift the arm that an audit takes, where it takes one."""
    rows = ["| file | " + " | ".join(FAMILIES) + " |", "|---" * (len(FAMILIES) + 1) + "|"]
    for name, outcomes in found.items():
        arms = by_arm(outcomes)
        cells = [best(family, arms) for family in FAMILIES]
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def best(family: str, arms: Mapping[str, tuple[float, float]]) -> str:
    own = {arm: of for arm, of in arms.items() if arm.startswith(family)}
    shipped = [arm for arm in own if arm.startswith("prefsift, as audited")]
    if not own:
        return "can't"
    arm = shipped[0] if shipped else max(own, key=lambda each: own[each][0])
    variant = arm.removeprefix(family).strip(" ,:")
    return said(*own[arm]) + (f" ({variant})" if variant and not shipped else "")


def said(mean: float, half: float) -> str:
    return f"{mean:.3f}" + (f" ± {half:.3f}" if np.isfinite(half) else "")
