"""The reward heads of an audit: what they make of each label, and how far each is in doubt."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from curation.items import Floats, Pairs
from curation.models.ensemble import (
    Plan,
    combine,
    fit_ensemble,
    head_margins,
    heads_that_may_judge,
    measure,
)
from curation.signals.reward_margin import ALL_VIEWS, RewardMargin
from curation.uncertainty.decomposition import decompose

BLOCK = 2048  # pairs whose features are held together


@dataclass(frozen=True)
class Heads:
    """(n,) each, NaN where both responses are the same. `margin` and `spread` of the heads that did
    not see the pair's prompt; S12 of what each of them says, in bits: `expected`, how unsure a head
    is by itself, and `mutual`, how far they differ. `metrics` on labels they did not see."""

    p_correct: Floats
    margin: Floats
    spread: Floats
    expected: Floats
    mutual: Floats
    metrics: dict[str, float] = field(default_factory=dict[str, float])


def judged_by_heads(
    pairs: Pairs, decided: NDArray[np.int64], views: Sequence[str], seed: int
) -> Heads | None:
    """Learnt from the `decided` rows, in folds by prompt; None where there are too few prompts."""
    plan = plan_of(views, seed)
    learnt = RewardMargin(seed=seed).sample(
        pairs if len(decided) == len(pairs) else pairs.take(decided)
    )
    if len(set(learnt.prompt_ids)) < 2 * plan.folds:
        return None
    fitted = fit_ensemble(learnt, plan)
    table = np.full((len(pairs), 5), np.nan)
    for start in range(0, len(pairs), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(pairs)))
        part = pairs.take(rows)
        by_view = head_margins(part, plan, fitted.arrays)
        margin = np.concatenate(list(by_view.values()), axis=2)
        found = combine(part.prompt_ids, plan, fitted.arrays, margin)
        expected, mutual = doubts(part.prompt_ids, plan, fitted.arrays, margin)
        table[rows] = np.column_stack([found.p_correct, found.mean, found.std, expected, mutual])
    same = np.array(pairs.chosen, object) == np.array(pairs.rejected, object)
    table[same] = np.nan
    return Heads(*table.T, metrics=measure(learnt.prompt_ids, plan, fitted))


def plan_of(views: Sequence[str], seed: int) -> Plan:
    """Views of the texts alone count alike: weighing them made hh_harmless a little worse (.699
    instead of .701). What a record brings beside them may tell all or nothing, so it is weighed."""
    signal, brought = RewardMargin(seed=seed), not set(views) <= set(ALL_VIEWS)
    return Plan(tuple(views), signal.folds, signal.bootstraps, seed, signal.device, weighed=brought)


def doubts(
    prompt_ids: Sequence[str],
    plan: Plan,
    arrays: dict[str, NDArray[np.float64]],
    margin: NDArray[np.floating],
) -> tuple[Floats, Floats]:
    """(n,) each in bits: S12 with the heads that may judge a pair in the place of rationales."""
    may = heads_that_may_judge(prompt_ids, plan, arrays)
    p = expit(margin * np.asarray(arrays["slope"])[:, None])
    expected, mutual = np.zeros(len(p)), np.zeros(len(p))
    for allowed in np.unique(may, axis=0):
        rows = np.flatnonzero((may == allowed).all(axis=1))
        own = p[rows][:, allowed].reshape(len(rows), -1)
        found = decompose(np.stack([own, 1 - own], axis=-1))
        expected[rows], mutual[rows] = found.expected, np.maximum(found.mutual, 0.0)
    return expected, mutual
