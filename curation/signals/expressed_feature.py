"""What the labels lean on, as a number a pair: features of responses that win or lose as such."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.items import Floats, Pairs, View
from curation.signals.cross_fitted import equal_responses
from curation.signals.embedding import Embedding
from curation.signals.signal import OK, Column, Fit, Level, Output, Scores, Signal
from curation.structure.dictionary import dictionary, pursue
from curation.structure.expressions import expressions

ACTIVE, FEATURES, PAIRS_A_FEATURE, FEWEST = 4, 32, 40, 4
LEAST_PAIRS = 30
SIGNIFICANT = 0.05


class ExpressedFeature(Signal):
    """Σ β z over the features that the labels express: by how many log-odds they favour the chosen.

    A sparse dictionary of embedding differences, learnt without the labels, tested by a logistic
    regression each beside the difference in length, family-wise at 5 %. `feature` is the number of
    the feature that is most active in the pair, `activation` how much more of it the chosen has.
    "What's In My Human Feedback"; see `prefsift audit` for names and intervals. Where the labels
    express nothing, `lean` is 0 everywhere.
    """

    version: ClassVar[int] = 1
    level: ClassVar[Level] = Level.pair
    whole_dataset: ClassVar[bool] = True
    views: ClassVar[tuple[View, ...]] = (View.chosen, View.rejected)
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("lean", -np.inf, np.inf, "log-odds", "high = the label goes with such features"),
        Output("feature", 0, 1023, "number", "equal numbers: the same feature"),
        Output("activation", -np.inf, np.inf, "rms", "high = the chosen has more of the feature"),
    )

    kind: Literal["expressed_feature"] = "expressed_feature"
    embedder: Embedding = Field(default_factory=Embedding)
    features: int = Field(default=FEATURES, ge=2, le=1024)
    seed: int = 0

    def fit(self, items: Pairs) -> Fit:
        rows = np.flatnonzero(~equal_responses(items))
        pairs = items.take(rows[np.argsort(np.array(items.ids)[rows], kind="stable")])
        rows = differences(pairs)
        if len(pairs) < LEAST_PAIRS or not rows.any():
            return Fit({}, {"n": float(len(pairs))})
        sign = coins(pairs)
        count = int(np.clip(len(pairs) // PAIRS_A_FEATURE, FEWEST, self.features))
        sparse = dictionary(rows * sign[:, None], features=count, active=ACTIVE, seed=self.seed)
        length = np.array([np.log1p(len(c)) for c in pairs.chosen])
        length = (length - np.array([np.log1p(len(r)) for r in pairs.rejected])) * sign
        groups = np.unique(np.array(pairs.prompt_ids), return_inverse=True)[1]
        tested = expressions(
            sparse.activations, length[:, None], sign > 0, groups.astype(np.int64), seed=self.seed
        )
        size = np.sqrt((sparse.activations**2).mean(axis=0))
        weights = np.zeros(count)
        found = [each for each in tested if each.p_value < SIGNIFICANT]
        for each in found:
            weights[each.feature] = each.coefficient / max(float(size[each.feature]), 1e-12)
        metrics = {
            "n": float(len(pairs)), "features": float(count), "expressed": float(len(found)),
            "explained": sparse.explained,
        }  # fmt: skip
        arrays = {"decoder": sparse.decoder, "size": np.array([sparse.size]), "weights": weights}
        return Fit(arrays, metrics)

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        if fit is None:
            raise ValueError("expressed_feature needs its fit")
        names = [output.name for output in self.outputs]
        if not fit.arrays:
            return Scores({name: Column.missing(len(items), "too_few_pairs") for name in names})
        rows = differences(items) / float(fit.arrays["size"][0])
        code, _ = pursue(rows, np.asarray(fit.arrays["decoder"], np.float64), ACTIVE)
        most = np.abs(code).argmax(axis=1)
        values = (
            code @ fit.arrays["weights"], most.astype(np.float64), code[np.arange(len(code)), most],
        )  # fmt: skip
        same = equal_responses(items)
        status = np.where(same, "equal_responses", OK).astype(np.str_)
        kept = (np.where(same, np.nan, column) for column in values)
        named = zip(names, kept, strict=True)
        return Scores({name: Column(column, status) for name, column in named})


def differences(pairs: Pairs) -> NDArray[np.float64]:
    chosen, rejected = (np.asarray(pairs.vectors[v], np.float64) for v in ExpressedFeature.views)
    return chosen - rejected


def coins(pairs: Pairs) -> Floats:
    """±1 by the pair's id: which response comes first says nothing of the label."""
    from curation.models.ensemble import uniform

    return np.where(uniform(pairs.ids, "order") < 0.5, -1.0, 1.0)
