"""Which like-minded group the judge of a pair belongs to, and how much the group should count."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.items import Pairs, View
from curation.signals.embedding import Embedding
from curation.signals.signal import Column, Fit, Level, Output, Scores, Signal


class AnnotatorGroup(Signal):
    """Groups of annotators with Bradley–Terry heads of their own (MaxMin-RLHF, arXiv 2402.08925),
    and weights of the groups under which one head for all serves the worst-served group best.

    Pairs must name one annotator each: build them by `each_judgment`. The fit says the number of
    groups (by BIC), the accuracy of one head for all in its worst-served group, with equal weights
    (`worst_before`) and with these (`worst_after`), both on held-out prompts.
    """

    version: ClassVar[int] = 1
    level: ClassVar[Level] = Level.pair
    whole_dataset: ClassVar[bool] = True
    facts: ClassVar[tuple[str, ...]] = ("annotator",)
    views: ClassVar[tuple[View, ...]] = (View.chosen, View.rejected)
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("group", 0, 7, "number", "0 = the group of most annotators"),
        Output("weight", 0, np.inf, "mean weight", "high = one head for all serves it badly"),
    )

    kind: Literal["annotator_group"] = "annotator_group"
    embedder: Embedding = Field(default_factory=Embedding)
    groups: int = Field(default=0, ge=0, le=8, description="0: by BIC, at most 4")
    dimensions: int = Field(default=16, ge=1, le=64, description="of the differences of answers")
    least: int = Field(default=5, ge=1, description="labels of an annotator who is grouped")
    seed: int = 0

    def fit(self, items: Pairs) -> Fit:
        from curation.structure.egalitarian import balanced
        from curation.structure.groups import like_minded

        who = items.fact("annotator")
        names, counts = np.unique(who[np.isfinite(who)], return_counts=True)
        names = names[counts >= self.least]
        rows = np.flatnonzero(np.isin(who, names))
        metrics = {"annotators": float(len(names)), "labels": float(len(rows))}
        if len(names) < 2:
            return Fit({}, metrics)
        differences = self.differences(items)
        base = np.linalg.svd(differences[rows], full_matrices=False)[2][: self.dimensions]
        x = differences[rows] @ base.T
        x = x / max(float(np.sqrt((x**2).mean())), 1e-9)
        of = np.searchsorted(names, who[rows])
        labels, wanted = np.ones(len(rows), np.bool_), self.groups or None
        found = like_minded(x, of, labels, groups=wanted, seed=self.seed)
        prompts = [items.prompt_ids[row] for row in rows.tolist()]
        fair = balanced(x, found.of[of], prompts, self.seed)
        metrics |= {"groups": float(len(found)), "worst_before": fair.before}
        metrics |= {"worst_after": fair.after}
        arrays = {"annotators": names, "groups": found.of, "weights": fair.weights}
        return Fit(arrays, metrics)

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        if fit is None:
            raise ValueError("annotator_group needs its fit")
        if not fit.arrays:
            missing = Column.missing(len(items), "no_annotators")
            return Scores({output.name: missing for output in self.outputs})
        who, names = items.fact("annotator"), fit.arrays["annotators"]
        place = np.minimum(np.searchsorted(names, np.nan_to_num(who)), len(names) - 1)
        known = names[place] == who
        group = np.where(known, fit.arrays["groups"][place], 0).astype(np.int64)
        columns = {"group": group.astype(np.float64), "weight": fit.arrays["weights"][group]}
        return Scores(
            {
                name: Column.of(np.where(known, values, np.nan), "unknown_annotator")
                for name, values in columns.items()
            }
        )

    def differences(self, items: Pairs) -> NDArray[np.float64]:
        if not (items.has(View.chosen) and items.has(View.rejected)):
            raise ValueError("annotator_group needs the vectors of both answers")
        both = (np.asarray(items.vectors[view], np.float64) for view in self.views)
        chosen, rejected = both
        return chosen - rejected
