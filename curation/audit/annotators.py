"""Whom to believe: each annotator's reliability with an interval, habits and self-contradiction."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from curation.agreement.alpha import alpha
from curation.agreement.kappa import Between, between, fleiss, matrix
from curation.audit.posterior import Posterior, longer_side
from curation.audit.questions import Ballots, Questions
from curation.consensus.votes import TIE, A, Anchors
from curation.items import Floats
from curation.uncertainty.orders import both_orders

LEVEL = 0.95
FEW = 20  # votes below which a reliability leans on the prior Beta(9, 1)
PRIOR = (9.0, 1.0)


@dataclass(frozen=True)
class Annotator:
    """Shares in 0..1, NaN where there is nothing to divide. `reliability` P(a decided vote is
    right) by the posterior of the pairs, [low, high] 95 %; `on_anchors` the same counted on
    verified answers alone; `first` how often the first one shown is taken, `longer` the longer one;
    `consistent` the same answer in both orders; `contradicts` itself, asked again in the same
    order."""

    name: str
    kind: str
    votes: int
    ties: float
    reliability: float
    low: float
    high: float
    anchors: int
    on_anchors: float
    first: float
    longer: float
    consistent: float
    contradicts: float


@dataclass(frozen=True)
class Agreement:
    """Over the comparisons that at least two annotators judged; NaN where there are none."""

    alpha: float
    fleiss: float
    pairs: list[Between]


def annotators(questions: Questions, found: Posterior, anchors: Anchors) -> list[Annotator]:
    """The most reliable first; unknown ones last, by name."""
    longer = longer_side(questions)
    rows = [
        one(questions, found, anchors, longer, who) for who in range(len(questions.votes.names))
    ]
    return sorted(rows, key=lambda row: (-np.nan_to_num(row.reliability, nan=-1.0), row.name))


def one(
    questions: Questions, found: Posterior, anchors: Anchors, longer: Floats | None, who: int
) -> Annotator:
    ballots = questions.votes
    votes = ballots.votes
    mine = votes.annotators == who
    items, said, first = votes.items[mine], votes.said[mine], ballots.first[mine]
    decided = said != TIE
    known = np.isin(items, anchors.items) & decided
    right_on_anchors = (said[known] == A) == (found.p_a[items[known]] > 0.5)
    right = np.where(said == A, found.p_a[items], 1 - found.p_a[items])[decided].sum()
    lean = found.method != "prior" and bool(decided.any())
    reliability, low, high = interval(float(right), int(decided.sum())) if lean else (np.nan,) * 3
    orders = both_orders(items, said, np.where(first > 0, 1, np.where(first < 0, 0, -1)))
    longs = np.zeros(0) if longer is None else longer[items]
    apart = decided & (longs != 0) if longer is not None else np.zeros(len(items), bool)
    takes_longer = (said[apart] == A) == (longs[apart] > 0) if apart.any() else np.zeros(0)
    return Annotator(
        ballots.names[who], ballots.kinds[who], int(mine.sum()), share(~decided), reliability, low,
        high, int(known.sum()), share(right_on_anchors), orders.first_rate, share(takes_longer),
        orders.consistency, contradictions(items, said, first),
    )  # fmt: skip


def interval(right: float, asked: int) -> tuple[float, float, float]:
    """Mean and 95 % interval of a Beta posterior; with few votes a prior of nine in ten counts."""
    a, b = PRIOR if asked < FEW else (0.5, 0.5)
    posterior = (a + right, b + asked - right)
    low, high = beta.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2], *posterior)
    mean = posterior[0] / sum(posterior)
    return float(mean), float(low), float(high)


def share(values: NDArray[np.bool_] | Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")


def contradictions(items: NDArray[np.int64], said: NDArray[np.int64], first: Floats) -> float:
    """Share of items asked more than once in one order that got different answers."""
    key = items * 3 + np.sign(first).astype(np.int64) + 1
    names, at = np.unique(key, return_inverse=True)
    least, most = np.full(len(names), 9), np.full(len(names), -1)
    np.minimum.at(least, at, said)
    np.maximum.at(most, at, said)
    again = np.bincount(at, minlength=len(names)) > 1
    return share((least != most)[again])


def agreement(ballots: Ballots) -> Agreement:
    votes = ballots.votes
    if votes.n_annotators < 2:
        return Agreement(float("nan"), float("nan"), [])
    grid = matrix(votes.items, votes.annotators, SCALE[votes.said])
    return Agreement(
        alpha(grid, "ordinal"), fleiss(votes.items, votes.said, 3),
        between(votes.items, votes.annotators, votes.said, 3),
    )  # fmt: skip


SCALE = np.array([1.0, -1.0, 0.0])  # a tie lies between a and b
