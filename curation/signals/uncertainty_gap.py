"""How much surer a strong reader of a pair is than a weak one, in bits."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import expit

from curation.items import Pairs
from curation.signals.cross_fitted import TOO_FEW, CrossFitted, ViewName, fit_of
from curation.signals.signal import Fit, Output, Scores
from curation.uncertainty.decomposition import decompose


class UncertaintyGap(CrossFitted):
    """Expected entropy of P(label) under the heads on `weak` views less that under all others.

    "Mirroring Users" samples decision rationales of a weak and of a strong model; where there is no
    generator, bootstrapped heads stand for the samples, those on `weak` views for the weak model.
    `total` = `expected` + `mutual` are of the strong heads: what more reading would not settle, and
    how much the heads disagree. `reproduced`: the strong heads that take the recorded side.
    """

    version: ClassVar[int] = 1
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("gap", -1, 1, "bit", "high = reading closely makes the label clear"),
        Output("total", 0, 1, "bit", "high = uncertain"),
        Output("expected", 0, 1, "bit", "high = each head by itself is uncertain"),
        Output("mutual", 0, 1, "bit", "high = the heads disagree"),
        Output("reproduced", 0, 1, "share of heads", "high = they take the recorded side"),
    )

    kind: Literal["uncertainty_gap"] = "uncertainty_gap"
    weak: tuple[ViewName, ...] = Field(
        default=("style", "style_curves"), min_length=1, description="views of the weak heads"
    )

    def fit(self, items: Pairs) -> Fit:
        return self.learn(items)

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        from curation.models.ensemble import head_margins

        fitted = fit_of(self, fit)
        if not fitted.arrays:
            return self.nothing(items, TOO_FEW)
        margins = head_margins(items, self.plan(), fitted.arrays)
        weak = [name for name in self.heads if name in self.weak] or [self.heads[0]]
        strong = [name for name in self.heads if name not in weak] or weak
        p_weak = self.samples(items, fitted, [margins[name] for name in weak])
        p_strong = self.samples(items, fitted, [margins[name] for name in strong])
        less, more = decompose(p_weak), decompose(p_strong)
        won = (p_strong[:, :, 0] > 0.5) + 0.5 * (p_strong[:, :, 0] == 0.5)
        found = {
            "gap": less.expected - more.expected,
            "total": more.total,
            "expected": more.expected,
            "mutual": np.maximum(more.mutual, 0),
            "reproduced": won.mean(axis=1),
        }
        return self.columns(items, {name: found[name].clip(-1, 1) for name in found})

    def samples(
        self, items: Pairs, fitted: Fit, views: Sequence[NDArray[Any]]
    ) -> NDArray[np.float64]:
        """(n, samples, 2): P(label right), P(wrong) by each bootstrap of each view, the mean over
        the folds that may judge the pair."""
        from curation.models.ensemble import fold_of, prompt_keys

        new = ~np.isin(prompt_keys(items.prompt_ids), fitted.arrays["seen"])
        fold = fold_of(items.prompt_ids, self.plan())
        may = (fold[:, None] == np.arange(self.folds)) | new[:, None]
        share = may / may.sum(axis=1, keepdims=True)
        slope = np.asarray(fitted.arrays["slope"], np.float64)
        p = [(expit(slope[None, :, None] * view) * share[:, :, None]).sum(axis=1) for view in views]
        right = np.concatenate(p, axis=1)
        return np.stack([right, 1 - right], axis=2)
