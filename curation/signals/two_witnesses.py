"""What two reward models of different upbringing make of a label: keep, review, drop or flip."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.special import expit

from curation.items import Pairs
from curation.noise.actions import Action, dual_witness
from curation.signals.cross_fitted import TOO_FEW, CrossFitted, fit_of
from curation.signals.signal import Fit, Output, Scores

ACTIONS = (Action.keep, Action.review, Action.drop, Action.flip)


class TwoWitnesses(CrossFitted):
    """P(label right) by heads on all labels, which did not see this one, and by heads on verified
    labels only; and what both together mean.

    Both accept: keep (0). The first alone doubts: review (1), to be labelled again. The second
    alone: drop (2). Both reject: flip (3), here a mark and never done. A verified label is kept or
    flipped. Skywork-Reward-V2, arXiv 2507.01352. Fewer than `least` verified labels:
    `too_few_verified`.
    """

    version: ClassVar[int] = 1
    facts: ClassVar[tuple[str, ...]] = ("gold",)
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("p_best", 0, 1, "probability", "high = right by the heads on all labels"),
        Output("p_gold", 0, 1, "probability", "high = right by the heads on verified labels"),
        Output("action", 0, 3, "number", "0 keep, 1 review, 2 drop, 3 flip"),
        Output("verified", 0, 1, "flag", "1 = the label has a verified answer"),
    )

    kind: Literal["two_witnesses"] = "two_witnesses"
    least: int = Field(default=30, ge=1, description="verified labels")

    def fit(self, items: Pairs) -> Fit:
        from curation.models.relabelled import fit_on

        learnt, sample = self.learn(items), self.sample(items)
        gold = sample.fact("gold")
        rows = np.flatnonzero(np.isfinite(gold))
        counted = {**learnt.metrics, "verified": float(len(rows))}
        if not learnt.arrays or len(rows) < self.least:
            return Fit(learnt.arrays, counted)
        right = gold[rows, None]
        own = fit_on(sample.take(rows), self.heads, right, 1 - right, self.device)
        return Fit({**learnt.arrays, **{f"gold_{name}": own[name] for name in own}}, counted)

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        from curation.models.relabelled import margins_of

        fitted = fit_of(self, fit)
        if not fitted.arrays:
            return self.nothing(items, TOO_FEW)
        if fitted.metrics["verified"] < self.least:
            return self.nothing(items, "too_few_verified")
        best = self.judged(items, fitted).p_correct
        own = {name[5:]: fitted.arrays[name] for name in fitted.arrays if name[:5] == "gold_"}
        by_gold = expit(margins_of(items, self.heads, own)[:, 0])
        gold = items.fact("gold")
        said = dual_witness(best, by_gold)
        action = np.select([said == each for each in ACTIONS], range(len(ACTIONS))).astype(float)
        action = np.where(np.isfinite(gold), np.where(gold == 1, 0.0, 3.0), action)
        verified = np.isfinite(gold).astype(np.float64)
        found = {"p_best": best, "p_gold": by_gold, "action": action, "verified": verified}
        return self.columns(items, found)
