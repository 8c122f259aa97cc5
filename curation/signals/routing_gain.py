"""What a human label in place of a model's adds to a reward model, by the pair's features."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.items import Floats, Pairs
from curation.review.lexical import measures
from curation.review.routing import Gains, gains, learn_gains, random_mixes, thirds
from curation.signals.cross_fitted import CrossFitted, fit_of
from curation.signals.signal import Column, Fit, Output, Scores

HELD_OUT = 0.3  # of the prompts, on which a mix is judged
FEW = "too_few_labels_of_both"


class RoutingGain(CrossFitted):
    """Σ of the coefficients of a pair's features: how much accuracy a human label on it adds.

    `mixes` random mixes of human and model labels train a reward head each; a ridge regression
    explains its accuracy on held-out human labels by the features of the pairs that people labelled
    (lengths and overlaps in thirds; the paper's tags by a language model are left out). A verified
    answer counts as a human label. `r2` of the regression on mixes that it did not see is among the
    metrics: at 0 the gains are noise. Hybrid Preferences, arXiv 2410.19133.
    """

    version: ClassVar[int] = 1
    facts: ClassVar[tuple[str, ...]] = ("human_share", "model_share", "gold")
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("gain", -np.inf, np.inf, "accuracy", "high = ask a human"),
        Output("disagree", 0, 1, "flag", "1 = the people's label is not the models'"),
    )

    kind: Literal["routing_gain"] = "routing_gain"
    mixes: int = Field(default=300, ge=20, le=2000)
    least: int = Field(default=50, ge=10, description="pairs with both labels")

    def fit(self, items: Pairs) -> Fit:
        sample = self.sample(items)
        sample = sample.take(np.argsort(np.array(sample.ids), kind="stable"))
        human, model = both_labels(sample)
        rows = np.flatnonzero((human != 0) & (model != 0))
        every = measured(sample)
        sample, human, model = sample.take(rows), human[rows], model[rows]
        if len(rows) < self.least or len(set(sample.prompt_ids)) < self.least // 2:
            return Fit({}, {"both": float(len(rows))})
        cuts = np.percentile(every, [100 / 3, 200 / 3], axis=0)
        features = np.hstack([thirds(column) for column in every[rows].T])
        found = self.learnt(sample, features, human, model)
        metrics = {"both": float(len(rows)), "disagree": float((human != model).mean())}
        metrics |= {} if np.isnan(found.r2) else {"r2": found.r2}
        return Fit({"coefficients": found.coefficients, "cuts": cuts}, metrics)

    def learnt(
        self, pairs: Pairs, features: NDArray[np.bool_], human: Floats, model: Floats
    ) -> Gains:
        """All mixes at once, a column of weights each; a mix is asked by its place."""
        from curation.models.ensemble import uniform
        from curation.models.relabelled import fit_on, margins_of

        test = uniform(pairs.prompt_ids, f"held out|{self.seed}") < HELD_OUT
        mixes = random_mixes(features, self.mixes, self.seed)
        said = np.array([np.where(mix, human, model) for mix in mixes]).T  # ±1, (n, mixes)
        trained = (~test).astype(np.float64)[:, None]
        towards, against = (said > 0) * trained, (said < 0) * trained
        arrays = fit_on(pairs, self.heads, towards, against, self.device)
        right = (margins_of(pairs.take(np.flatnonzero(test)), self.heads, arrays).T > 0) == (
            human[test] > 0
        )
        achieved = iter(right.mean(axis=1).tolist())
        return learn_gains(features, mixes, lambda _: float(next(achieved)))

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        fitted = fit_of(self, fit)
        if not fitted.arrays:
            return self.nothing(items, FEW)
        low, high = fitted.arrays["cuts"]
        values = measured(items)
        binned = [values <= low, (values > low) & (values <= high), values > high]
        features = np.stack(binned, axis=2).reshape(len(items), -1)
        human, model = both_labels(items)
        differ = np.where((human != 0) & (model != 0), (human != model).astype(float), np.nan)
        gain = self.columns(items, {"gain": gains(features, fitted.arrays["coefficients"])})
        return Scores({**gain.columns, "disagree": Column.of(differ, "one_kind_of_label")})


def measured(pairs: Pairs) -> Floats:
    return measures(list(zip(pairs.prompts, pairs.chosen, pairs.rejected, strict=True)))


def both_labels(pairs: Pairs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) each of people and models: +1 the chosen is better, −1 the rejected, 0 unknown."""
    human = np.where(
        np.isfinite(pairs.fact("human_share")), pairs.fact("human_share"), pairs.fact("gold")
    )
    return side(human), side(pairs.fact("model_share"))


def side(share: Floats) -> NDArray[np.float64]:
    return np.sign(np.nan_to_num(np.asarray(share, np.float64) - 0.5, nan=0.0))
