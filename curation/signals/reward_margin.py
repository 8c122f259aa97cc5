"""How much a proxy reward model, trained on these very labels, prefers the chosen response."""

from typing import ClassVar, Literal

import numpy as np

from curation.items import Pairs
from curation.signals.cross_fitted import ALL_VIEWS, TOO_FEW, CrossFitted, ViewName, fit_of
from curation.signals.signal import Fit, Output, Scores

__all__ = ["ALL_VIEWS", "RewardMargin", "ViewName"]


class RewardMargin(CrossFitted):
    """Signed margin of a Bradley–Terry ensemble; negative = the heads prefer the rejected one.

    Heads over several views of the pair, bootstrapped by prompt and cross-fitted: the fold of a
    prompt is a hash of its id and the seed, and a pair is only judged by heads that saw no pair of
    its prompt. The fit's `oof_accuracy` says what the margins are worth. Preference strength as in
    Secrets of RLHF II (arXiv:2401.06080) with cheap heads in place of ten reward models.
    """

    version: ClassVar[int] = 2
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("margin_mean", -np.inf, np.inf, "rms margin", "high = the label is clearly right"),
        Output("margin_std", 0, np.inf, "rms margin", "high = the heads disagree"),
        Output("vote_share", 0, 1, "share of heads", "high = more heads agree with the label"),
        Output("p_correct", 0, 1, "probability", "high = the label is probably right"),
    )

    kind: Literal["reward_margin"] = "reward_margin"

    def fit(self, items: Pairs) -> Fit:
        return self.learn(items)

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        fitted = fit_of(self, fit)
        if not fitted.arrays:
            return self.nothing(items, TOO_FEW)
        names = (output.name for output in self.outputs)
        return self.columns(items, dict(zip(names, self.judged(items, fitted), strict=True)))
