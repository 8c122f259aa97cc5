"""How many labels are flipped, by the most trustworthy estimator there is, as columns of rDPO."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats, Pairs
from curation.noise.confident import confident_errors
from curation.noise.em import denoise, sharpened
from curation.noise.rate import (
    Rate,
    from_confident_learning,
    from_gold,
    from_posteriors,
    from_repeats,
)
from curation.noise.robust import clamped, robust_target
from curation.signals.cross_fitted import TOO_FEW, CrossFitted, fit_of
from curation.signals.signal import Column, Fit, Output, Scores

NOT_IDENTIFIED = "noise_not_identified"
SHORT = {
    "verified answers": "gold", "repeated labels": "repeats",
    "expectation maximisation": "em", "confident learning": "confident",
}  # fmt: skip


class FlipRate(CrossFitted):
    """ε, the share of wrong labels: the upper end of a 95 % interval, at most .45.

    Of verified answers if there are 20, else of labels of the same pair, else of expectation
    maximisation, else of confident learning; each refuses where it does not stand on enough, and
    where all do there is no value (`noise_not_identified`). The metrics hold every estimate. ε is
    the `label_smoothing` of a robust DPO loss; `robust_target` is (1 − ε) / (1 − 2ε), that of a
    right label; arXiv 2403.00409.
    """

    version: ClassVar[int] = 1
    facts: ClassVar[tuple[str, ...]] = ("gold", "votes", "agreement")
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("flip_rate", 0, 0.45, "share", "high = many labels are wrong"),
        Output("robust_target", 1, 5.5, "number", "target of a loss that is unbiased under flips"),
        Output("soft_label", 0.55, 1, "probability", "1 − ε: P(chosen is better)"),
    )

    kind: Literal["flip_rate"] = "flip_rate"

    def fit(self, items: Pairs) -> Fit:
        learnt = self.learn(items)
        sample = self.sample(items)
        p, margin = np.zeros(0), np.zeros(0)
        if learnt.arrays:
            judged = self.judged(sample, learnt)
            p, margin = judged.p_correct, judged.mean
        rates = estimates(sample, p, margin, learnt.metrics.get("oof_accuracy", np.nan))
        upper = next((each.high for each in rates if each.high is not None), None)
        told = {f"{SHORT[each.name]}_{part}": value for each in rates for part, value in ends(each)}
        epsilon = np.array([np.nan if upper is None else float(clamped(upper))])
        return Fit({"epsilon": epsilon}, {**learnt.metrics, **told})

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        fitted = fit_of(self, fit)
        epsilon = float(fitted.arrays["epsilon"][0])
        if np.isnan(epsilon):
            few = "oof_accuracy" not in fitted.metrics
            return self.nothing(items, TOO_FEW if few else NOT_IDENTIFIED)
        values = (epsilon, float(robust_target(epsilon)), 1 - epsilon)
        named = zip(self.outputs, values, strict=True)
        return Scores({each.name: Column.of(np.full(len(items), v)) for each, v in named})


def estimates(pairs: Pairs, p: Floats, margin: Floats, accuracy: float) -> Sequence[Rate]:
    """The most trustworthy first. `p` (n,) P(label right) by heads that did not see it."""
    gold = pairs.fact("gold")
    checked = np.isfinite(gold)
    em = denoise(p, oof_accuracy=accuracy, refit=sharpened(margin))

    def count(taken: NDArray[np.int64]) -> float:
        found, right = p[taken], np.ones(len(taken), np.bool_)  # both ways round: no label is a
        both = confident_errors(np.concatenate([found, 1 - found]), np.concatenate([right, ~right]))
        return both.errors / 2

    return (
        from_gold(int((gold[checked] == 0).sum()), int(checked.sum())),
        from_repeats(*agreeing(pairs.fact("votes"), pairs.fact("agreement"))),
        from_posteriors(em.p_correct, em.why),
        from_confident_learning(count, len(p), accuracy),
    )


def agreeing(votes: Floats, agreement: Floats) -> tuple[int, int]:
    """Of pairs with two or more votes: how many would agree, two votes of each drawn, and pairs."""
    several = np.isfinite(agreement) & (votes >= 2)
    n = votes[several]
    towards = np.round(agreement[several] * n)
    away = n - towards
    same = (towards * (towards - 1) + away * (away - 1)) / (n * (n - 1))
    return round(float(same.sum())), int(several.sum())


def ends(rate: Rate) -> list[tuple[str, float]]:
    found = (("rate", rate.rate), ("low", rate.low), ("high", rate.high))
    return [(name, float(value)) for name, value in found if value is not None]
