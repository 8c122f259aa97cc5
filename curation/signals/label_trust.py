"""How likely a label is right, by a ridge regression that did not see its prompt: in seconds."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import expit

from curation.items import Floats, Indices, Pairs, View
from curation.signals.embedding import Embedding
from curation.signals.signal import OK, Column, Fit, Level, Output, Scores, Signal

BLOCK = 4096
HALF = 0.5
SHARES = (0.12, 0.25, HALF)  # of the prompts, for the learning curve on the other half


class LabelTrust(Signal):
    """P(label right) in closed form, folds by prompt; calibrated on the held-out margins.

    One linear model on differences of embeddings and style, the views of the selecting head: about
    as good at finding flipped labels as `reward_margin` and much cheaper, with no spread. The fit
    tells the regime: `oof_accuracy`, `oof_accuracy_at_12`, `_25`, `_50` (per cent of the prompts
    learnt from), and `noise_rate` where it is identified.
    """

    version: ClassVar[int] = 2  # 1 told no noise where margins stand in two bells
    level: ClassVar[Level] = Level.pair
    whole_dataset: ClassVar[bool] = True
    views: ClassVar[tuple[View, ...]] = (
        View.chosen, View.rejected, View.prompt_chosen, View.prompt_rejected,
    )  # fmt: skip
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("p_correct", 0, 1, "probability", "high = the label is probably right"),
        Output("soft_label", 0.5, 1, "probability", "P(chosen is better), never below one half"),
    )

    kind: Literal["label_trust"] = "label_trust"
    embedder: Embedding = Field(default_factory=Embedding)
    ridge: float = Field(default=120.0, gt=0, allow_inf_nan=False)
    folds: int = Field(default=10, ge=3, le=20)
    seed: int = 0

    def fit(self, items: Pairs) -> Fit:
        from curation.models.ensemble import slope, uniform
        from curation.models.ridge_margin import cross_fit, differences, fit, held_out
        from curation.noise.regime import regime

        told = items.take(np.flatnonzero(different(items)))
        metrics = {"folds": float(self.folds), "n": float(len(told))}
        if len(set(told.prompt_ids)) < 2 * self.folds:
            return Fit({}, metrics)
        rows, scales = differences(told)
        fold, drawn = self.fold_of(told), uniform(told.prompt_ids, f"curve|{self.seed}")
        for share in SHARES:
            head = fit(rows[drawn < share], self.ridge)
            metrics[f"oof_accuracy_at_{share:.0%}"[:-1]] = accuracy(rows[drawn >= HALF] @ head)
        heads = cross_fit(rows, fold, self.folds, self.ridge)
        margin = held_out(rows, fold, heads)
        rate = slope(margin)
        metrics["oof_accuracy"] = accuracy(margin)
        found = regime(expit(rate * margin))
        if found.noise is not None:
            metrics["noise_rate"] = found.noise
        arrays = {"heads": heads, "slope": np.array([rate]), "style": scales.style}
        return Fit({**arrays, "views": scales.views}, metrics)

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        from curation.models.ridge_margin import Scales, differences, held_out

        if fit is None:
            raise ValueError("label_trust needs its fit")
        names = [output.name for output in self.outputs]
        if not fit.arrays:
            return Scores({name: Column.missing(len(items), "too_few_prompts") for name in names})
        scales = Scales(fit.arrays["style"], fit.arrays["views"])
        p = np.full(len(items), np.nan)
        fold, heads = self.fold_of(items), fit.arrays["heads"]
        for start in range(0, len(items), BLOCK):
            part = np.arange(start, min(start + BLOCK, len(items)))
            rows, _ = differences(items.take(part), scales)
            p[part] = expit(float(fit.arrays["slope"][0]) * held_out(rows, fold[part], heads))
        told = different(items)
        status = np.where(told, OK, "equal_responses").astype(np.str_)
        p[~told] = np.nan
        return Scores(
            {"p_correct": Column(p, status), "soft_label": Column(np.maximum(p, 0.5), status)}
        )

    def fold_of(self, pairs: Pairs) -> Indices:
        """By the prompt, also of one that the fit has not seen: each head is as good as another."""
        from curation.models.ensemble import uniform

        drawn = uniform(pairs.prompt_ids, f"fold|{self.seed}")
        return (drawn * self.folds).astype(np.int64)


def different(pairs: Pairs) -> NDArray[np.bool_]:
    """(n,) pairs whose responses are not the same."""
    return np.array(pairs.chosen, object) != np.array(pairs.rejected, object)


def accuracy(margin: Floats) -> float:
    return float(((margin > 0) + 0.5 * (margin == 0)).mean())
