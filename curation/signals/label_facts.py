"""What the labels themselves say of a pair, as scores: for gates, orders and columns."""

from typing import ClassVar, Literal

import numpy as np

from curation.items import Pairs
from curation.signals.signal import Column, Fit, Level, Output, Scores, Signal

OUTPUTS = (
    Output("votes", 0, np.inf, "count", "high = many judged the pair"),
    Output("agreement", 0, 1, "share", "high = they agree"),
    Output("margin", -np.inf, np.inf, "the labels' own", "high = far apart"),
    Output("soft_label", 0, 1, "probability", "P(chosen is better) by the votes"),
    Output("curriculum_stage", 1, np.inf, "number", "1 = the easiest"),
    Output("gold", 0, 1, "flag", "1 = verified to be right, 0 to be wrong"),
    Output("human_share", 0, 1, "share", "of people's votes those for the chosen"),
    Output("model_share", 0, 1, "share", "of models' votes those for the chosen"),
    Output("score_chosen", -np.inf, np.inf, "the scores' own", "mean of those it came with"),
    Output("score_rejected", -np.inf, np.inf, "the scores' own", "mean of those it came with"),
)


class LabelFacts(Signal):
    """Votes, agreement, margin, soft label, stage, verified answer and stored scores of a pair.

    Nothing is computed: what the labels do not say is missing (`not_said`).
    """

    version: ClassVar[int] = 1
    level: ClassVar[Level] = Level.pair
    whole_dataset: ClassVar[bool] = True
    reads_texts: ClassVar[bool] = False
    facts: ClassVar[tuple[str, ...]] = tuple(output.name for output in OUTPUTS)
    outputs: ClassVar[tuple[Output, ...]] = OUTPUTS

    kind: Literal["label_facts"] = "label_facts"

    def fit(self, items: Pairs) -> Fit:
        known = {name: float(np.isfinite(items.fact(name)).sum()) for name in self.facts}
        return Fit({}, known)

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        return Scores({name: Column.of(items.fact(name), "not_said") for name in self.facts})
