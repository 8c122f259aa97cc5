"""Labels that are kept with a certificate, by verified ones: few of them are wrong."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.items import Floats, Pairs, View
from curation.noise.conformal import p_values, select
from curation.signals.cross_fitted import TOO_FEW, CrossFitted, equal_responses, fit_of
from curation.signals.signal import Column, Fit, Output, Scores

FOLDS = 5
RIDGE = 1.0


class ConformalKeep(CrossFitted):
    """1 for labels that may stay: at most a share `alpha` of them is wrong, in expectation.

    Verified labels calibrate the cross-fitted margin; the others are kept by Benjamini–Hochberg
    over conformal p-values (arXiv 2210.01408), and of the verified those that are right. No value
    with fewer than `least` of them (`too_few_verified`); none of the others where a classifier
    tells their prompts from verified ones with an AUC of `most_shift` or more
    (`not_exchangeable`): nothing is certified then. The certificate is of the pairs that the fit
    drew: of the prompts with verified pairs, all of them, and of others up to `max_pairs` together;
    pairs of the rest have a p-value, but are not kept or refused (`not_certified`).
    """

    version: ClassVar[int] = 2  # 1 kept pairs that the certificate had not seen
    facts: ClassVar[tuple[str, ...]] = ("gold",)
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("kept", 0, 1, "flag", "1 = certified or verified to be right"),
        Output("p_value", 0, 1, "probability", "low = the label is surely right"),
        Output("margin", -np.inf, np.inf, "rms margin", "high = the label is clearly right"),
    )

    kind: Literal["conformal_keep"] = "conformal_keep"
    alpha: float = Field(default=0.1, gt=0, lt=1, description="share of wrong labels among kept")
    least: int = Field(default=200, ge=1, description="verified labels")
    most_shift: float = Field(default=0.6, gt=0.5, le=1)

    def fit(self, items: Pairs) -> Fit:
        learnt, sample = self.learn(items), self.sample(items)
        gold = sample.fact("gold")
        known = np.isfinite(gold)
        counted = {"verified": float(known.sum())}
        if not learnt.arrays or known.sum() < self.least:
            return Fit(learnt.arrays, {**learnt.metrics, **counted})
        margin, correct = self.judged(sample, learnt).mean, gold[known] == 1
        found = select(margin[~known], margin[known], correct, self.alpha)
        limit = float(found.p_values[found.kept].max()) if found.kept.any() else -1.0
        shift = shift_auc(sample, known)
        metrics = {**counted, "alpha": self.alpha, "certified": float(found.kept.sum())}
        arrays = {
            "scores": margin[known], "correct": correct,
            "limit": np.array([np.nan if shift >= self.most_shift else limit]),
        }  # fmt: skip
        return Fit({**learnt.arrays, **arrays}, {**learnt.metrics, **metrics, "shift_auc": shift})

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        from curation.models.ensemble import prompt_keys

        fitted = fit_of(self, fit)
        if not fitted.arrays:
            return self.nothing(items, TOO_FEW)
        margin = self.judged(items, fitted).mean
        if "limit" not in fitted.arrays:
            missing = self.nothing(items, "too_few_verified", ("kept", "p_value"))
            return Scores({**missing.columns, **self.columns(items, {"margin": margin}).columns})
        gold, limit = items.fact("gold"), float(fitted.arrays["limit"][0])
        p = p_values(margin, fitted.arrays["scores"], fitted.arrays["correct"])
        kept = np.where(np.isfinite(gold), gold == 1, p <= limit).astype(np.float64)
        found = self.columns(items, {"kept": kept, "p_value": p, "margin": margin}).columns
        drawn = np.isin(prompt_keys(items.prompt_ids), fitted.arrays["seen"])
        why = "not_exchangeable" if np.isnan(limit) else "not_certified"
        without = ~np.isfinite(gold) & (np.isnan(limit) | ~drawn) & ~equal_responses(items)
        status = np.where(without, why, found["kept"].status).astype(np.str_)
        values = np.where(without, np.nan, found["kept"].values)
        return Scores({**found, "kept": Column(values, status)})

    def sample(self, pairs: Pairs) -> Pairs:
        """All of the prompts with a verified pair, and of random others up to `max_pairs`."""
        from curation.models.ensemble import uniform

        rows = np.flatnonzero(~equal_responses(pairs))
        if len(rows) <= self.max_pairs:
            return pairs.take(rows)
        prompts = np.array(pairs.prompt_ids, np.str_)[rows]
        held = np.isin(prompts, prompts[np.isfinite(pairs.fact("gold")[rows])])
        drawn = np.where(held, -1, uniform(prompts.tolist(), f"sample|{self.seed}"))
        return pairs.take(rows[held | (drawn < np.sort(drawn)[self.max_pairs])])


def shift_auc(pairs: Pairs, known: NDArray[np.bool_]) -> float:
    """How well the prompts' vectors tell verified pairs from the others, cross-fitted by prompt:
    .5 where they are alike, and where there are no others."""
    from scipy.stats import rankdata

    from curation.models.ensemble import uniform

    if known.all() or not known.any():
        return 0.5
    x = np.asarray(pairs.vectors[View.prompt], np.float64)
    x = np.column_stack([x, np.ones(len(x))])
    y = np.where(known, 1.0, 0.0)
    fold = (uniform(pairs.prompt_ids, "shift") * FOLDS).astype(np.int64)
    told = np.zeros(len(y))
    for out in range(FOLDS):
        rest = fold != out
        told[~rest] = x[~rest] @ ridge(x[rest], y[rest])
    ranks, positive = rankdata(told), int(known.sum())
    above = float(ranks[known].sum()) - positive * (positive + 1) / 2
    return above / (positive * (len(y) - positive))


def ridge(x: Floats, y: Floats) -> Floats:
    return np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ y)
