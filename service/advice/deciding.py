"""Which of several recipes to recommend from what was measured, and how sure that is."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from curation.evaluation.heads import HEADS, TOP
from curation.evaluation.intervals import Interval, corrected

LEAST_SPLITS = 5  # one whole round of folds: fewer say nothing
SPLITS = 30  # a seed, where there is time: with ten, one seed in six said something else
CHANCE = 0.025  # that any recipe is called better though none is: one side of a 95 % interval


class Accuracies(NamedTuple):
    """Held-out accuracy of one head on one split, trained on each set of pairs."""

    recipe: float
    random: float
    full: float


class Measured(NamedTuple):
    """A recipe on one split: pairs to learn from, to test on and kept, accuracies by head."""

    seed: int
    number: int
    train: int
    test: int
    size: int
    heads: Mapping[str, Accuracies]

    @property
    def split(self) -> tuple[int, int]:
        return self.seed, self.number


Splits = Sequence[Measured]


class Verdict(NamedTuple):
    """Of one recipe. `p`: of a gain of 0 or less for the head that gains less, one-sided, corrected
    for the number of recipes (Holm 1979). `least` by head: the lower end that decides, which lies
    above 0 for both heads where it is `better`. `gain` by head: the plain 95 % interval."""

    gain: Mapping[str, Interval]
    least: Mapping[str, float | None]
    p: float
    better: bool


class Decision(NamedTuple):
    """`recommended`: None where no recipe is shown to beat random pairs. `tied`: the better ones
    that are not shown to be worse than the best one, the recommended among them, cheapest first.
    `confidence`: that the recommended one beats random; where there is none, that the one which
    comes nearest does. In 0..1, corrected for the number of recipes."""

    recommended: str | None
    tied: tuple[str, ...]
    confidence: float
    verdicts: Mapping[str, Verdict]


def decide(measured: Mapping[str, Splits], cost: Mapping[str, float]) -> Decision:
    """By recipe; those with fewer than LEAST_SPLITS are left out. `cost` in seconds a pair, say.

    Among the better recipes whose difference to the best can't be told from 0, the cheapest is
    recommended, then the first by name: what another seed would order otherwise decides nothing.
    The order of recipes and of splits changes nothing.
    """
    known = {name: measured[name] for name in sorted(measured) if enough(measured[name])}
    ps = {name: max(chance(gains(found, head), ratio(found)) for head in HEADS)
          for name, found in known.items()}  # fmt: skip
    verdicts: dict[str, Verdict] = {}
    stepped, standing = 0.0, True
    order = sorted(known, key=lambda name: (ps[name], name))
    for place, name in enumerate(order):
        left = len(order) - place  # hypotheses that still stand: Holm's divisor
        stepped = min(max(stepped, ps[name] * left), 1.0)
        standing = standing and stepped <= CHANCE
        verdicts[name] = verdict(known[name], stepped, left, better=standing)
    better = [name for name in known if verdicts[name].better]
    tied = tied_with_best({name: known[name] for name in better})
    tied = tuple(sorted(tied, key=lambda name: (cost.get(name, 0.0), name)))
    surest = min((verdicts[name].p for name in order), default=1.0)
    return Decision(
        tied[0] if tied else None,
        tied,
        1 - (verdicts[tied[0]].p if tied else surest),
        {name: verdicts[name] for name in known},
    )


def verdict(found: Splits, p: float, left: int, *, better: bool) -> Verdict:
    level = 1 - 2 * CHANCE / left
    by_head = {head: gains(found, head) for head in HEADS}
    return Verdict(
        {head: corrected(values, ratio(found)) for head, values in by_head.items()},
        {head: corrected(values, ratio(found), level).low for head, values in by_head.items()},
        p,
        better,
    )


def tied_with_best(known: Mapping[str, Splits]) -> tuple[str, ...]:
    """The one with the largest gain of the stronger head, and those that are not shown to differ
    from it on the splits that both were measured on."""
    if not known:
        return ()
    means = {name: float(np.mean(gains(found, TOP))) for name, found in known.items()}
    best = max(sorted(means), key=means.__getitem__)
    return tuple(name for name in known if name == best or not worse(known[name], known[best]))


def worse(one: Splits, best: Splits) -> bool:
    others = {each.split: each for each in best}
    shared = [(each, others[each.split]) for each in one if each.split in others]
    if len(shared) < LEAST_SPLITS:
        return False
    lost = [b.heads[TOP].recipe - a.heads[TOP].recipe for a, b in shared]
    low = corrected(lost, ratio([each for each, _ in shared])).low
    return low is not None and low > 0


def enough(found: Splits) -> bool:
    return len(found) >= LEAST_SPLITS


def gains(found: Splits, head: str) -> list[float]:
    """Over random pairs, split by split, in the order of the splits."""
    ordered = sorted(found, key=lambda one: one.split)
    return [one.heads[head].recipe - one.heads[head].random for one in ordered]


def ratio(found: Splits) -> float:
    return float(np.mean([one.test / one.train for one in found]))


def chance(values: Sequence[float], test_to_train: float) -> float:
    """One-sided p of a mean of 0 or less, by the corrected resampled t-test: the training sets of
    the splits overlap (Nadeau & Bengio 2003)."""
    from scipy.stats import t as student

    figures = np.asarray(values, np.float64)
    n, mean = len(figures), float(figures.mean())
    error = float(np.sqrt((1 / n + test_to_train) * figures.var(ddof=1))) if n > 1 else 0.0
    if n < 2 or error == 0:
        return 0.0 if n > 1 and mean > 0 else 1.0
    return float(student.sf(mean / error, n - 1))
