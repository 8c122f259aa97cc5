"""Weights for training on single answers, where prompts with good answers differ from others."""

from collections import defaultdict
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.items import Pairs, View
from curation.signals.embedding import Embedding
from curation.signals.signal import Column, Fit, Level, Output, Scores, Signal

if TYPE_CHECKING:  # the real import loads scikit-learn
    from curation.models.desirability import Unary


class UnpairedWeight(Signal):
    """BCO's weight of an undesirable row: P(desirable | prompt) / P(undesirable | prompt), within
    .5 .. 10 (arXiv 2404.04656); a desirable row counts 1.

    A pair is two rows, and an answer of several pairs is one: of a prompt, the distinct chosen and
    rejected answers count. The fit says how well the prompt alone tells the label without and with
    the weights (`shift_auc_before`, `shift_auc_after`; .5 = not at all, out of fold) and KTO's λ of
    desirable rows for 1 of undesirable ones (`kto_lambda_low`, `kto_lambda_high`).
    """

    version: ClassVar[int] = 1
    level: ClassVar[Level] = Level.pair
    whole_dataset: ClassVar[bool] = True
    views: ClassVar[tuple[View, ...]] = (View.prompt,)
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("weight", 0.5, 10, "weight of the rejected", "high = its prompt has good answers"),
        Output("p_desirable", 0, 1, "probability", "high = such prompts have good answers"),
    )

    kind: Literal["unpaired_weight"] = "unpaired_weight"
    embedder: Embedding = Field(default_factory=Embedding)
    fit_n: int = Field(default=1024, ge=16, description="rows of each kind that it learns from")
    seed: int = 0

    def fit(self, items: Pairs) -> Fit:
        from curation.models import desirability

        unary = self.unary(items)
        good, bad = float(unary.desirable.sum()), float(unary.undesirable.sum())
        metrics = {"desirable": good, "undesirable": bad, "prompts": float(len(unary.desirable))}
        if not good or not bad:
            return Fit({}, metrics)
        rows = np.arange(len(unary.desirable))
        weights, bias = desirability.fit(unary, rows, self.fit_n, self.seed)
        folds = np.random.default_rng(self.seed).permutation(len(rows)) % desirability.FOLDS
        found = desirability.shift(unary, folds, self.fit_n, self.seed)
        if found is not None:
            metrics |= {"shift_auc_before": found.before, "shift_auc_after": found.after}
        low, high = desirability.balance(good, bad)
        metrics |= {"kto_lambda_low": low, "kto_lambda_high": high}
        return Fit({"weights": np.asarray(weights), "bias": np.array([bias])}, metrics)

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        from curation.models import desirability

        if fit is None:
            raise ValueError("unpaired_weight needs its fit")
        if not fit.arrays:
            missing = Column.missing(len(items), "one_kind_only")
            return Scores({output.name: missing for output in self.outputs})
        p = desirability.probability(
            self.vectors(items), fit.arrays["weights"], float(fit.arrays["bias"][0])
        )
        return Scores({"weight": Column.of(desirability.weight(p)), "p_desirable": Column.of(p)})

    def unary(self, items: Pairs) -> "Unary":
        from curation.models import desirability

        answers: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        first: dict[str, int] = {}
        for row, name in enumerate(items.prompt_ids):
            first.setdefault(name, row)
            answers[name][items.chosen[row]] += 1
            answers[name][items.rejected[row]] -= 1
        names = sorted(first)
        good = np.array([sum(n > 0 for n in answers[name].values()) for name in names], np.float64)
        bad = np.array([sum(n < 0 for n in answers[name].values()) for name in names], np.float64)
        return desirability.Unary(self.vectors(items)[[first[n] for n in names]], good, bad)

    def vectors(self, items: Pairs) -> NDArray[np.float32]:
        if View.prompt not in items.vectors:
            raise ValueError("unpaired_weight needs the vectors of the prompts")
        return np.asarray(items.vectors[View.prompt], np.float32)
