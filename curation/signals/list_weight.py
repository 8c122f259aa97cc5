"""How much each pair of a ranked list should count in training."""

from typing import ClassVar, Literal

import numpy as np

from curation.items import Pairs
from curation.signals.signal import Column, Fit, Level, Output, Scores, Signal


class ListWeight(Signal):
    """LiPO's lambda weight of a pair (arXiv 2402.01878), divided by the mean of all.

    Large where the labels put the two far apart and exchanging them would change the top of the
    list. Missing (`not_said`) where the labels rank no list.
    """

    version: ClassVar[int] = 1
    level: ClassVar[Level] = Level.pair
    whole_dataset: ClassVar[bool] = True
    reads_texts: ClassVar[bool] = False
    facts: ClassVar[tuple[str, ...]] = ("list_weight",)
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("weight", 0, np.inf, "mean weight", "high = counts more"),
    )

    kind: Literal["list_weight"] = "list_weight"

    def fit(self, items: Pairs) -> Fit:
        known = items.fact("list_weight")
        known = known[np.isfinite(known)]
        mean = float(known.mean()) if len(known) and known.mean() > 0 else 1.0
        return Fit({"mean": np.array([mean])}, {"mean": mean, "n": float(len(known))})

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        if fit is None:
            raise ValueError("list_weight needs its fit")
        return Scores(
            {"weight": Column.of(items.fact("list_weight") / fit.arrays["mean"][0], "not_said")}
        )
