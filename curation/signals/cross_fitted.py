"""What signals share that ask a cross-fitted proxy reward model about the labels it learnt from."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from curation.items import Floats, Pairs, View
from curation.signals.embedding import Embedding
from curation.signals.signal import OK, Column, Fit, Level, Scores, Signal

if TYPE_CHECKING:  # the real import loads torch
    from curation.models.ensemble import Plan

BLOCK = 2048  # pairs whose features are held together

ViewName = Literal[
    "prompt_response", "response", "product", "style", "style_curves", "words", "characters"
]
ALL_VIEWS: tuple[ViewName, ...] = (
    "prompt_response", "response", "product", "style", "style_curves", "words", "characters",
)  # fmt: skip
TOO_FEW = "too_few_prompts"


class Judged(NamedTuple):
    """(n,) each, of heads that did not see the pair's prompt: mean and standard deviation of their
    margins, the share of them that agrees with the label, and P(label right)."""

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    vote_share: NDArray[np.float64]
    p_correct: NDArray[np.float64]


class CrossFitted(Signal):
    """A Bradley–Terry ensemble over several views of the pair, bootstrapped by prompt and
    cross-fitted: the fold of a prompt is a hash of its id and the seed, and a pair is only judged
    by heads that saw no pair of its prompt. The fit's `oof_accuracy` says what it is worth.
    """

    level: ClassVar[Level] = Level.pair
    whole_dataset: ClassVar[bool] = True
    views: ClassVar[tuple[View, ...]] = (
        View.prompt,
        View.chosen,
        View.rejected,
        View.prompt_chosen,
        View.prompt_rejected,
    )

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

    def learn(self, items: Pairs) -> Fit:
        """The heads; without arrays where there are too few prompts."""
        from curation.models.ensemble import fit_ensemble, measure

        learnt = self.sample(items)
        counted = {"folds": self.folds, "bootstraps": self.bootstraps, "n": len(learnt)}
        metrics = {name: float(value) for name, value in counted.items()}
        if len(set(learnt.prompt_ids)) < 2 * self.folds:
            return Fit({}, metrics)
        fitted = fit_ensemble(learnt, self.plan())
        found = measure(learnt.prompt_ids, self.plan(), fitted)
        return Fit(fitted.arrays, {**metrics, **found})

    def judged(self, items: Pairs, fit: Fit) -> Judged:
        """By the heads of a fit that has some."""
        from curation.models.ensemble import judge

        table = np.full((len(items), len(Judged._fields)), np.nan)
        for start in range(0, len(items), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(items)))
            table[rows] = np.array(judge(items.take(rows), self.plan(), fit.arrays)).T
        return Judged(*table.T)

    def columns(self, items: Pairs, values: Mapping[str, Floats]) -> Scores:
        """A cell a pair, by output; none where both responses are the same."""
        same = equal_responses(items)
        status = np.where(same, "equal_responses", OK).astype(np.str_)
        kept = {name: np.where(same, np.nan, values[name]) for name in values}
        return Scores({name: Column(column, status) for name, column in kept.items()})

    def nothing(self, items: Pairs, why: str, names: Sequence[str] | None = None) -> Scores:
        """No output, or none of these, has a value."""
        asked = [each.name for each in self.outputs] if names is None else names
        return Scores({name: Column.missing(len(items), why) for name in asked})

    def plan(self) -> "Plan":
        from curation.models.ensemble import Plan

        return Plan(self.heads, self.folds, self.bootstraps, self.seed, self.device)

    def sample(self, pairs: Pairs) -> Pairs:
        """Pairs with two different responses, of randomly chosen prompts, at most `max_pairs`."""
        from curation.models.ensemble import uniform

        rows = np.flatnonzero(~equal_responses(pairs))
        if len(rows) > self.max_pairs:
            drawn = uniform([pairs.prompt_ids[i] for i in rows.tolist()], f"sample|{self.seed}")
            rows = rows[drawn < np.sort(drawn)[self.max_pairs]]
        return pairs.take(rows)


def equal_responses(pairs: Pairs) -> NDArray[np.bool_]:
    return np.array(pairs.chosen, object) == np.array(pairs.rejected, object)


def fit_of(signal: Signal, fit: Fit | None) -> Fit:
    """ValueError where a signal is asked for scores without its fit."""
    if fit is None:
        raise ValueError(f"{type(signal).__name__} needs its fit")
    return fit
