"""Labels that a model gives itself from a few trusted ones, softened where it is unsure."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import expit

from curation.items import Floats, Pairs
from curation.signals.cross_fitted import TOO_FEW, CrossFitted, fit_of
from curation.signals.signal import Fit, Output, Scores

FIRST_LAMBDA = 0.5  # halved every round


class SelfRefined(CrossFitted):
    """P(chosen is better) by heads that began with `trusted` of the prompts' labels, labelled all
    other pairs themselves, and learnt from both, `rounds` times.

    A pair's own label is read only if its prompt is trusted (a hash of its id says so). Before each
    round the share `smoothed` of the other pairs with the least confidence gets labels of 1 − α and
    α; confidence is |z̃|, z̃ = (1 + λ) z − λ z of the round before, λ = ½, ¼, ⅛. SPA and its
    de-coupled noise detection (arXiv 2406.04412), with reward heads in place of a policy.
    Watch `longer_gain`: how much oftener the longer answer wins than under the trusted labels.
    """

    version: ClassVar[int] = 1
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("p_chosen", 0, 1, "probability", "high = the heads agree with the recorded label"),
        Output("soft_label", 0, 1, "probability", "P(chosen is better): 1, 1 − α, α or 0"),
        Output("trusted", 0, 1, "flag", "1 = the recorded label was read"),
    )

    kind: Literal["self_refined"] = "self_refined"
    trusted: float = Field(default=0.033, gt=0, lt=1, description="share of prompts")
    rounds: int = Field(default=3, ge=1, le=10)
    least: int = Field(default=10, ge=1, description="trusted prompts")
    smoothed: float = Field(default=0.1, ge=0, le=1)
    alpha: float = Field(default=0.1, ge=0, le=0.5)

    def fit(self, items: Pairs) -> Fit:
        from curation.models.relabelled import fit_on, margins_of

        sample = self.sample(items)
        sample = sample.take(np.argsort(np.array(sample.ids), kind="stable"))
        below = self.threshold(sample)
        trusted = self.drawn(sample) < below
        counted = {"trusted": float(trusted.sum())}
        if trusted.sum() < self.least or trusted.all():
            return Fit({}, counted)
        weights = trusted.astype(np.float64)[:, None]
        arrays = fit_on(sample, self.heads, weights, np.zeros_like(weights), self.device)
        previous, pull = arrays, FIRST_LAMBDA
        before = now = margins_of(sample, self.heads, arrays)[:, 0]
        for _ in range(self.rounds):
            limit = self.limit(now + pull * (now - before), trusted)
            said = self.labels(now, before, pull, limit, trusted)[:, None]
            previous, before = arrays, now
            arrays = fit_on(sample, self.heads, said, 1 - said, self.device)
            now, pull = margins_of(sample, self.heads, arrays)[:, 0], pull / 2
        limit = self.limit(now + pull * (now - before), trusted)
        parts = {f"now_{name}": arrays[name] for name in arrays}
        parts |= {f"before_{name}": previous[name] for name in previous}
        gain = {"longer_gain": longer_gain(sample, now, trusted)}
        return Fit({**parts, "at": np.array([below, limit, pull])}, {**counted, **gain})

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        from curation.models.relabelled import margins_of

        fitted = fit_of(self, fit)
        if not fitted.arrays:
            return self.nothing(items, TOO_FEW)
        now, before = (
            margins_of(items, self.heads, part_of(fitted.arrays, part))[:, 0]
            for part in ("now_", "before_")
        )
        below, limit, pull = fitted.arrays["at"].tolist()
        trusted = self.drawn(items) < below
        soft = self.labels(now, before, pull, limit, trusted)
        found = {"p_chosen": expit(now), "soft_label": soft, "trusted": trusted.astype(float)}
        return self.columns(items, found)

    def drawn(self, pairs: Pairs) -> NDArray[np.float64]:
        """(n,) in [0, 1), equal for pairs of one prompt."""
        from curation.models.ensemble import uniform

        return uniform(pairs.prompt_ids, f"trusted|{self.seed}")

    def threshold(self, pairs: Pairs) -> float:
        """What a trusted prompt's number lies below: the share, or `least` prompts."""
        numbers = np.unique(self.drawn(pairs))
        wanted = max(int(np.ceil(self.trusted * len(numbers))), self.least)
        return float(numbers[wanted]) if wanted < len(numbers) else 1.0

    def limit(self, confidence: Floats, trusted: NDArray[np.bool_]) -> float:
        """|z̃| up to which a pair is unsure."""
        return float(np.quantile(np.abs(confidence[~trusted]), self.smoothed))

    def labels(
        self, now: Floats, before: Floats, pull: float, limit: float, trusted: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """P(chosen better): the heads' own choice, softened where |z̃| <= limit; 1 if trusted."""
        own = (now > 0) + 0.5 * (now == 0)
        unsure = np.abs(now + pull * (now - before)) <= limit
        softened = np.where(unsure, self.alpha + (1 - 2 * self.alpha) * own, own)
        return np.where(trusted, 1.0, softened)


def part_of(arrays: Mapping[str, NDArray[Any]], part: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(part): arrays[name] for name in arrays if name.startswith(part)}


def longer_gain(pairs: Pairs, z: Floats, trusted: NDArray[np.bool_]) -> float:
    """Win rate of the longer answer by the heads' labels, less that by the trusted ones."""
    gap = np.array([len(c) - len(r) for c, r in zip(pairs.chosen, pairs.rejected, strict=True)])
    decided = gap != 0
    own, read = decided & ~trusted, decided & trusted
    if not own.any() or not read.any():
        return 0.0
    return float(((z > 0) == (gap > 0))[own].mean() - (gap > 0)[read].mean())
