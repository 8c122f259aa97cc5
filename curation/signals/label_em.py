"""Which labels are probably right, by EM over a scorer that did not see them."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import expit, logit

from curation.items import Floats, Pairs
from curation.noise.em import WEAKEST_SCORER, Denoised, denoise, expectation, sharpened
from curation.signals.cross_fitted import TOO_FEW, CrossFitted, fit_of
from curation.signals.signal import Column, Fit, Output, Scores

WEAK = "weak_scorer"
EDGE = 1e-12


class LabelEM(CrossFitted):
    """w = P(label right): the cross-fitted scorer's p against each annotator's reliability η.

    Annotators with fewer than `least_labels` labels, and pairs without one, share an η. Where the
    scorer is right on less than 65 % of labels that it did not see, w only repeats what was
    assumed: then there is no soft label (`weak_scorer`). A noise rate is among the metrics where
    it is identified. LCPO / RE-PO, arXiv 2509.24159; EM can't see a bias that all annotators share.
    """

    version: ClassVar[int] = 1
    facts: ClassVar[tuple[str, ...]] = ("annotator",)
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("p_correct", 0, 1, "probability", "high = the label is probably right"),
        Output("soft_label", 0, 1, "probability", "P(chosen is better); none of a weak scorer"),
        Output("annotator_eta", 0, 1, "probability", "high = who labelled the pair is reliable"),
    )

    kind: Literal["label_em"] = "label_em"
    weakest: float = Field(
        default=WEAKEST_SCORER, ge=0, le=1, description="accuracy below which nothing is soft"
    )
    least_labels: int = Field(default=20, ge=1, description="of an annotator with an own η")

    def fit(self, items: Pairs) -> Fit:
        learnt = self.learn(items)
        if not learnt.arrays:
            return learnt
        sample = self.sample(items)
        judged = self.judged(sample, learnt)
        known = self.known(sample)
        who = numbered(sample.fact("annotator"), known)
        refit = sharpened(judged.mean)
        accuracy = learnt.metrics["oof_accuracy"]
        found = denoise(judged.p_correct, who, oof_accuracy=accuracy, refit=refit)
        eta = np.zeros(len(known) + 1)
        eta[: len(found.reliability)] = np.nan_to_num(found.reliability, nan=0.9)
        arrays = {"slope_em": np.array([slope(judged.mean, refit(found.p_correct))]), "eta": eta}
        return Fit(
            {**learnt.arrays, **arrays, "annotators": known},
            {**learnt.metrics, **measured(found)},
        )

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        fitted = fit_of(self, fit)
        if not fitted.arrays:
            return self.nothing(items, TOO_FEW)
        eta = fitted.arrays["eta"][numbered(items.fact("annotator"), fitted.arrays["annotators"])]
        p = expit(float(fitted.arrays["slope_em"][0]) * self.judged(items, fitted).mean)
        w = expectation(p, eta)
        scores = self.columns(items, {"p_correct": w, "soft_label": w, "annotator_eta": eta})
        if fitted.metrics["oof_accuracy"] >= self.weakest:
            return scores
        return Scores({**scores.columns, "soft_label": Column.missing(len(items), WEAK)})

    def known(self, pairs: Pairs) -> NDArray[np.float64]:
        """Annotators with enough labels, in the order of their numbers."""
        names, counts = np.unique(pairs.fact("annotator"), return_counts=True)
        return names[np.isfinite(names) & (counts >= self.least_labels)]


def numbered(annotator: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.int64]:
    """0 for all who are not known, else from 1."""
    at = np.searchsorted(known, annotator).clip(0, max(len(known) - 1, 0))
    found = known[at] == annotator if len(known) else np.zeros(len(annotator), np.bool_)
    return np.where(found, at + 1, 0)


def slope(margin: Floats, p: Floats) -> float:
    """s of p = σ(s · margin)."""
    row = int(np.abs(margin).argmax())
    if margin[row] == 0:
        return 0.0
    return float(logit(np.clip(p[row], EDGE, 1 - EDGE)) / margin[row])


def measured(found: Denoised) -> dict[str, float]:
    rates = {"noise_rate_low": min(found.rates), "noise_rate_high": max(found.rates)}
    said = {} if found.noise_rate is None else {"noise_rate": found.noise_rate}
    return {**rates, **said, "em_iterations": float(found.iterations)}
