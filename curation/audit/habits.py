"""What labels go with, before and after doubtful ones are turned or left out; cycles."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.audit.diagnostics import Diagnostics, diagnostics
from curation.audit.questions import Questions
from curation.consensus.votes import A
from curation.items import Floats
from curation.structure.cycles import Triads, hodge_rank, triads
from curation.structure.factors import Factor, factors

LEAST = 50


@dataclass(frozen=True)
class Habits:
    """Strongest first. `after`: of the labels that an audit keeps or turns; `diagnostics`: whether
    what they lean on became stronger by it."""

    before: list[Factor]
    after: list[Factor]
    diagnostics: Diagnostics


def habits(
    questions: Questions, actions: NDArray[np.str_], p_correct: Floats, seed: int = 0
) -> Habits:
    """Empty where the responses are no texts or fewer than 50 pairs are decided."""
    if questions.texts is None:
        return Habits([], [], Diagnostics(why="the responses are not texts"))
    if questions.decided.sum() < LEAST:
        return Habits([], [], Diagnostics(why=f"fewer than {LEAST} pairs are decided"))
    names, differences = style_differences(questions)
    rows = np.flatnonzero(questions.decided)
    better = questions.labels == A
    before = factors(names, differences[rows], better[rows], seed=seed)
    turned = np.where(actions == "flip", ~better, better)
    kept = rows[(actions[rows] != "drop") & (actions[rows] != "review")]
    after = factors(names, differences[kept], turned[kept], seed=seed) if len(kept) else []
    return Habits(before, after, diagnostics(questions, names, differences, actions, p_correct))


def style_differences(questions: Questions) -> tuple[list[str], Floats]:
    """Of a − b: one number for each property of curation.models.style."""
    from curation.models.style import FEATURES, style_features

    texts = questions.texts or ()
    prompts = [prompt for prompt, _, _ in texts]
    a = style_features(prompts, [a for _, a, _ in texts])
    b = style_features(prompts, [b for _, _, b in texts])
    return list(FEATURES), a - b


@dataclass(frozen=True)
class Order:
    """`cyclic_share` of HodgeRank's energy, 0..1; `triads` of three responses all compared."""

    cyclic_share: float
    triads: Triads


def order(questions: Questions) -> Order:
    sign = np.array([1, -1, 0, 0])[questions.labels]
    shares = hodge_rank(questions.a, questions.b, sign.astype(np.float64)).cyclic_share
    return Order(shares, triads(questions.a, questions.b, sign))
