"""Do the labels lean on length, format or position more after denoising than before?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from curation.audit.questions import Questions
from curation.consensus.votes import A
from curation.items import Floats

LEVEL = 0.05  # of all properties together
LEAST = 50  # pairs that differ in a property and are kept
KINDS = {
    "length": ("characters", "words", "sentences", "paragraphs"),
    "format": ("lists", "headers", "bold", "code_blocks"),
    "position": ("shown_first",),
}


class Lean(NamedTuple):
    """`before`: share of labels on the side with more of the property, .5 for none, over the
    `pairs` that differ in it; `after`: the same as they would be kept. `growth` of its distance
    from .5, and `low`, its lower bound at 95 % for all properties together. `kind`: length,
    format, position or manner."""

    name: str
    kind: str
    pairs: int
    before: float
    after: float
    growth: float
    low: float

    @property
    def grew(self) -> bool:
        return self.low > 0


@dataclass(frozen=True)
class Diagnostics:
    """`changed`: labels that would not be kept as they are. `clean` is None where nothing could be
    compared, and False where a lean grew: whatever was taken out, more of it is left."""

    leans: tuple[Lean, ...] = ()
    changed: int = 0
    why: str | None = None

    @property
    def grew(self) -> tuple[str, ...]:
        return tuple(sorted(lean.name for lean in self.leans if lean.grew))

    @property
    def clean(self) -> bool | None:
        return not self.grew if self.leans and self.changed else None

    @property
    def verdict(self) -> str:
        if not self.leans:
            return f"not compared: {self.why}"
        if self.grew:
            grown = ", ".join(name.replace("_", " ") for name in self.grew)
            return f"not clean: labels lean more on {grown} than before"
        if not self.changed:
            return "nothing to compare: every label would be kept as it is"
        return f"clean of added bias: none of {len(self.leans)} leans grew"


def diagnostics(
    questions: Questions,
    names: Sequence[str],
    differences: Floats,
    actions: NDArray[np.str_],
    p_correct: Floats,
) -> Diagnostics:
    """Of the decided pairs. `differences` (n, properties) of a − b, by `names`.

    As an export would keep them: `flip` turns a label; `soften` counts it by |2p − 1|, turned where
    p < .5, so that a soft label's lean is not mistaken for a weaker one; `drop` and `review` leave
    it out. The bound is from the linearised difference of the two shares, clustered by prompt and
    given the actions. A true pull that noise had hidden grows, too: nothing here tells it apart
    from a bias of the scorer, so neither is called clean.
    """
    rows = np.flatnonzero(questions.decided)
    weight, turned = kept(actions[rows], p_correct[rows])
    changed = int((actions[rows] != "keep").sum())
    towards = np.where(questions.labels[rows] == A, 1.0, -1.0)
    columns = dict(zip(names, differences[rows].T, strict=True))
    columns["shown_first"] = shown_first(questions)[rows]
    compared = {
        name: (np.sign(column) * towards, column != 0)
        for name, column in columns.items()
        if int(((column != 0) & (weight > 0)).sum()) >= LEAST
    }
    if not compared:
        return Diagnostics((), changed, f"fewer than {LEAST} kept pairs differ in any property")
    bound = float(norm.ppf(1 - LEVEL / len(compared)))
    leans = [
        lean(name, side[at] > 0, weight[at], turned[at], questions.prompts[rows][at], bound)
        for name, (side, at) in compared.items()
    ]
    return Diagnostics(tuple(sorted(leans, key=order)), changed)


def kept(actions: NDArray[np.str_], p_correct: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """(n,) each: what a label counts, 0..1, and whether it is turned."""
    p = np.nan_to_num(np.asarray(p_correct, np.float64), nan=1.0)
    weight = np.where(actions == "soften", np.abs(2 * p - 1), 1.0)
    weight[(actions == "drop") | (actions == "review")] = 0.0
    return weight, (actions == "flip") | ((actions == "soften") & (p < 0.5))


def lean(
    name: str,
    has_more: NDArray[np.bool_],
    weight: Floats,
    turned: NDArray[np.bool_],
    prompts: NDArray[np.int64],
    bound: float,
) -> Lean:
    before, after = has_more.mean(), float(weight @ (has_more ^ turned) / weight.sum())
    signs = np.sign(before - 0.5), np.sign(after - 0.5)
    growth = float(signs[1] * (after - 0.5) - signs[0] * (before - 0.5))
    influence = signs[1] * weight * ((has_more ^ turned) - after) / weight.mean()
    influence = influence - signs[0] * (has_more - before)
    _, group = np.unique(prompts, return_inverse=True)
    spread = float(np.sqrt((np.bincount(group, influence) ** 2).sum())) / len(has_more)
    return Lean(
        name, kind(name), len(has_more), float(before), after, growth, growth - bound * spread
    )


def kind(name: str) -> str:
    return next((kind for kind, names in KINDS.items() if name in names), "manner")


def order(found: Lean) -> tuple[bool, int, float]:
    """Grown ones first, then length, format, position and the rest, strongest first."""
    kinds = [*KINDS, "manner"]
    return not found.grew, kinds.index(found.kind), -abs(found.before - 0.5)


def shown_first(questions: Questions) -> Floats:
    """(n,): above 0 where a was shown first more often than b."""
    votes = questions.votes
    return np.bincount(votes.votes.items, votes.first, len(questions)).astype(np.float64)
