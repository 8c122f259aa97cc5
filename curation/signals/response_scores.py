"""The score of each of a pair's responses: its mean rating, else the mean of its stored scores."""

from typing import ClassVar, Literal

import numpy as np

from curation.items import Pairs
from curation.signals.signal import Column, Fit, Level, Output, Scores, Signal


class ResponseScores(Signal):
    """Nothing is computed but means: a response that nobody rated or scored has none (`not_said`).

    Ratings and scores are never mixed in a pair: both sides are rated, or both are scored.
    """

    version: ClassVar[int] = 1
    level: ClassVar[Level] = Level.pair
    whole_dataset: ClassVar[bool] = True
    reads_texts: ClassVar[bool] = False
    facts: ClassVar[tuple[str, ...]] = (
        "rated_chosen", "rated_rejected", "score_chosen", "score_rejected",
    )  # fmt: skip
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("chosen", -np.inf, np.inf, "the labels' own", "high = good"),
        Output("rejected", -np.inf, np.inf, "the labels' own", "high = good"),
        Output("gap", -np.inf, np.inf, "the labels' own", "high = far apart"),
    )

    kind: Literal["response_scores"] = "response_scores"

    def fit(self, items: Pairs) -> Fit:
        known = {name: float(np.isfinite(items.fact(name)).sum()) for name in self.facts}
        return Fit({}, known)

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        rated = np.isfinite(items.fact("rated_chosen")) & np.isfinite(items.fact("rated_rejected"))
        chosen = np.where(rated, items.fact("rated_chosen"), items.fact("score_chosen"))
        rejected = np.where(rated, items.fact("rated_rejected"), items.fact("score_rejected"))
        values = {"chosen": chosen, "rejected": rejected, "gap": chosen - rejected}
        both = np.isfinite(chosen - rejected)
        return Scores(
            {
                name: Column.of(np.where(both, value, np.nan), "not_said")
                for name, value in values.items()
            }
        )
