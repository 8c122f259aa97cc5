"""What to do with each label: keep, soften, flip, drop or review, and who bears witness."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats

DOUBTED = 0.5  # p_correct below which a witness speaks against the label
ROUNDING = 1e-9
FLIP, SOFTEN = 0.2, 0.6
FLIP_WITNESSES = 2


class Action(StrEnum):
    keep = "keep"
    soften = "soften"
    flip = "flip"
    drop = "drop"
    review = "review"


class Ruling(NamedTuple):
    """(n,) each: the action, and the names of the witnesses against the label."""

    actions: NDArray[np.str_]
    witnesses: list[tuple[str, ...]]


def rule(
    p_correct: Floats,
    witnesses: Mapping[str, Floats],
    certified: NDArray[np.bool_] | None = None,
    *,
    identified: bool = True,
) -> Ruling:
    """N03: one witness may raise doubt, it takes two or an FDR certificate to turn a label round.

    `p_correct` (n,) P(label right), NaN where the label is a tie: kept. `witnesses`: name -> (n,)
    P(label right) by methods that do not share their evidence, NaN where one knows nothing.
    `certified` (n,): labels whose reversal is certified (conformal.select_flips).
    `identified=False` withholds flips that are not certified: they are for review.
    p < .2 with two witnesses or a certificate: flip; with one: review, with none: soften;
    p < .6 soften; else keep, or review where two witnesses object. Skywork-Reward-V2,
    arXiv 2507.01352; the thresholds are those of N01.
    """
    n = len(p_correct)
    limit = DOUBTED - ROUNDING  # one half from either side is no doubt
    against = {name: np.nan_to_num(p, nan=1.0) < limit for name, p in witnesses.items()}
    objections = sum((rows.astype(np.int64) for rows in against.values()), np.zeros(n, np.int64))
    sure = np.zeros(n, bool) if certified is None else certified
    may_flip = sure | (objections >= FLIP_WITNESSES)
    p = np.nan_to_num(np.asarray(p_correct, np.float64), nan=1.0)
    turned = (p < FLIP) & may_flip
    actions = np.full(n, Action.keep.value, "<U6")
    actions[(p >= SOFTEN) & (objections >= FLIP_WITNESSES)] = Action.review
    actions[p < SOFTEN] = Action.soften
    actions[(p < FLIP) & ~may_flip & (objections > 0)] = Action.review
    actions[turned] = Action.review
    actions[turned & (sure | identified)] = Action.flip
    actions[np.isnan(p_correct)] = Action.keep
    names = [tuple(name for name, rows in against.items() if rows[row]) for row in range(n)]
    return Ruling(actions, names)


def dual_witness(best: Floats, gold: Floats) -> NDArray[np.str_]:
    """N03 for two reward models' P(label right): both reject -> flip, the best one alone doubts ->
    review (re-annotate), the gold one alone rejects -> drop, both accept -> keep."""
    doubts, rejects = np.asarray(best) <= DOUBTED, np.asarray(gold) <= DOUBTED
    actions = np.full(len(doubts), Action.keep.value, "<U6")
    actions[doubts & ~rejects] = Action.review
    actions[~doubts & rejects] = Action.drop
    actions[doubts & rejects] = Action.flip
    return actions
