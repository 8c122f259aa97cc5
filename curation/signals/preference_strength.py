"""How strong a preference is by many reward heads, in bands from mislabelled to trivial."""

from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from curation.items import Pairs
from curation.signals.cross_fitted import TOO_FEW, CrossFitted, fit_of
from curation.signals.signal import Fit, Output, Scores

UNSURE = 1  # the band whose labels are softened


class PreferenceStrength(CrossFitted):
    """μ, σ and the vote of an ensemble on the recorded order, and the band of μ among all pairs.

    Band 0 is the share of the lowest μ up to the first of `edges`, often mislabelled; band 1, up to
    the second, is uncertain: its soft label is σ(μ / T), the calibrated probability that the label
    is right; in the others the soft label is 1. Secrets of RLHF II, arXiv 2401.06080, with
    cross-fitted heads in place of ten reward models; the edges are from memory of the paper.
    """

    version: ClassVar[int] = 1
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("mu", -np.inf, np.inf, "rms margin", "high = the label is clearly right"),
        Output("sigma", 0, np.inf, "rms margin", "high = the heads disagree"),
        Output("vote", 0, 1, "share of heads", "high = more heads agree with the label"),
        Output("band", 0, 8, "number", "0 = weakest, often mislabelled"),
        Output("soft_label", 0, 1, "probability", "P(chosen is better), 1 outside band 1"),
    )

    kind: Literal["preference_strength"] = "preference_strength"
    edges: tuple[float, ...] = Field(
        default=(0.1, 0.2, 0.4, 0.9), min_length=1, max_length=8,
        description="quantiles of μ, each above 0, below 1 and above the one before",
    )  # fmt: skip

    @field_validator("edges")
    @classmethod
    def ascending(cls, edges: tuple[float, ...]) -> tuple[float, ...]:
        if not all(low < high for low, high in pairwise((0.0, *edges, 1.0))):
            said = ", ".join(f"{edge:g}" for edge in edges)
            raise ValueError(f"edges ascend between 0 and 1, not {said}")
        return edges

    def fit(self, items: Pairs) -> Fit:
        learnt = self.learn(items)
        if not learnt.arrays:
            return learnt
        mu = self.judged(self.sample(items), learnt).mean
        at = np.quantile(mu, self.edges)
        below = {"share_below_zero": float((mu < 0).mean())}
        return Fit({**learnt.arrays, "edges": at}, {**learnt.metrics, **below})

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        fitted = fit_of(self, fit)
        if not fitted.arrays:
            return self.nothing(items, TOO_FEW)
        found = self.judged(items, fitted)
        band = np.searchsorted(fitted.arrays["edges"], found.mean, side="right")
        return self.columns(
            items,
            {
                "mu": found.mean,
                "sigma": found.std,
                "vote": found.vote_share,
                "band": band.astype(np.float64),
                "soft_label": np.where(band == UNSURE, found.p_correct, 1.0),
            },
        )
