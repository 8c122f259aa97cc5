"""How much a proxy reward model, trained on these very labels, prefers the chosen response."""

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from curation.items import Pairs, View
from curation.signals.embedding import Embedding
from curation.signals.signal import OK, Column, Fit, Level, Output, Scores, Signal

if TYPE_CHECKING:  # the real import loads torch
    from curation.models.ensemble import Plan

BLOCK = 2048  # pairs whose features are held together

ViewName = Literal[
    "prompt_response", "response", "product", "style", "style_curves", "words", "characters"
]
ALL_VIEWS: tuple[ViewName, ...] = (
    "prompt_response", "response", "product", "style", "style_curves", "words", "characters",
)  # fmt: skip


class RewardMargin(Signal):
    """Signed margin of a Bradley–Terry ensemble; negative = the heads prefer the rejected one.

    Heads over several views of the pair, bootstrapped by prompt and cross-fitted: the fold of a
    prompt is a hash of its id and the seed, and a pair is only judged by heads that saw no pair of
    its prompt. The fit's `oof_accuracy` says what the margins are worth. Preference strength as in
    Secrets of RLHF II (arXiv:2401.06080) with cheap heads in place of ten reward models.
    """

    version: ClassVar[int] = 1
    level: ClassVar[Level] = Level.pair
    whole_dataset: ClassVar[bool] = True
    views: ClassVar[tuple[View, ...]] = (
        View.prompt,
        View.chosen,
        View.rejected,
        View.prompt_chosen,
        View.prompt_rejected,
    )
    outputs: ClassVar[tuple[Output, ...]] = (
        Output("margin_mean", -np.inf, np.inf, "rms margin", "high = the label is clearly right"),
        Output("margin_std", 0, np.inf, "rms margin", "high = the heads disagree"),
        Output("vote_share", 0, 1, "share of heads", "high = more heads agree with the label"),
        Output("p_correct", 0, 1, "probability", "high = the label is probably right"),
    )

    kind: Literal["reward_margin"] = "reward_margin"
    embedder: Embedding = Field(default_factory=Embedding)
    heads: tuple[ViewName, ...] = Field(
        default=ALL_VIEWS, min_length=1, description="views with a head"
    )
    folds: int = Field(default=5, ge=3, le=20)
    bootstraps: int = Field(default=10, ge=1, le=100)
    max_pairs: int = Field(
        default=20_000, ge=100, description="pairs learnt from; the rest is only judged"
    )
    seed: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"

    def fit(self, items: Pairs) -> Fit:
        from curation.models.ensemble import fit_ensemble, measure

        learnt = self.sample(items)
        counted = {"folds": self.folds, "bootstraps": self.bootstraps, "n": len(learnt)}
        metrics = {name: float(value) for name, value in counted.items()}
        if len(set(learnt.prompt_ids)) < 2 * self.folds:
            return Fit({}, metrics)
        fitted = fit_ensemble(learnt, self.plan())
        found = measure(learnt.prompt_ids, self.plan(), fitted)
        return Fit(fitted.arrays, {**metrics, **found})

    def score(self, items: Pairs, fit: Fit | None = None) -> Scores:
        from curation.models.ensemble import judge

        if fit is None:
            raise ValueError("reward_margin needs its fit")
        names = [output.name for output in self.outputs]
        if not fit.arrays:
            n = len(items)
            return Scores({name: Column.missing(n, "too_few_prompts") for name in names})
        table = np.full((len(items), len(names)), np.nan)
        for start in range(0, len(items), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(items)))
            table[rows] = np.array(judge(items.take(rows), self.plan(), fit.arrays)).T
        same = np.array(items.chosen, object) == np.array(items.rejected, object)
        status = np.where(same, "equal_responses", OK).astype(np.str_)
        values = np.where(same[:, None], np.nan, table)
        return Scores({name: Column(values[:, i], status) for i, name in enumerate(names)})

    def plan(self) -> "Plan":
        from curation.models.ensemble import Plan

        return Plan(self.heads, self.folds, self.bootstraps, self.seed, self.device)

    def sample(self, pairs: Pairs) -> Pairs:
        """Pairs with two different responses, of randomly chosen prompts, at most `max_pairs`."""
        from curation.models.ensemble import uniform

        same = np.array(pairs.chosen, object) == np.array(pairs.rejected, object)
        rows = np.flatnonzero(~same)
        if len(rows) > self.max_pairs:
            drawn = uniform([pairs.prompt_ids[i] for i in rows.tolist()], f"sample|{self.seed}")
            rows = rows[drawn < np.sort(drawn)[self.max_pairs]]
        return pairs.take(rows)
