"""Bradley–Terry with ties, unequal annotators, and what pulls them: position and length."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from curation.consensus.votes import TIE, A, B
from curation.items import Floats

ITERATIONS = 200
SPREAD = 1.5  # standard deviation of a response's strength beforehand
ABILITY_SPREAD = 0.5  # of an annotator's ability around 1
PULL_SPREAD = 0.5  # of a position pull around 0


@dataclass(frozen=True)
class Judgments:
    """Votes on pairs of responses: `a`, `b` (n,) index responses; `annotators` (n,); `said` (n,)
    A, B or TIE. `first` (n,): +1 where a was shown first, −1 where b was, 0 unknown. `length` (n,):
    (len a − len b) / (len a + len b), or 0."""

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    annotators: NDArray[np.int64]
    said: NDArray[np.int64]
    n_responses: int
    n_annotators: int
    first: Floats | None = None
    length: Floats | None = None


@dataclass(frozen=True)
class Strengths:
    """`strength` (n_responses,), centred where nothing else ties it down; `ability` (n_annotators,)
    around 1; `position` (n_annotators,) > 0 for who favours what is shown first; `length` > 0 where
    longer answers are favoured; `ties` ≥ 0, Davidson's ν. All on the scale of log-odds."""

    strength: Floats
    ability: Floats
    position: Floats
    length: float
    ties: float
    iterations: int
    converged: bool

    def p_a(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> Floats:
        """P(a better than b) for someone of ability 1 without any pull."""
        return expit(self.strength[a] - self.strength[b])


def noisy_bradley_terry(judgments: Judgments, iterations: int = ITERATIONS) -> Strengths:
    """P(a : tie : b) = e^{u/2} : ν : e^{−u/2}, u = ability_k (s_a − s_b) + position_k first
    + length Δ.

    A ridge on everything makes the answer unique, also for a graph that falls apart. Without ties
    in the data ν is 0 and this is Bradley–Terry. Davidson 1970; Chen et al., WSDM 2013 (Crowd-BT).
    """
    model = Model(judgments)
    found = minimize(model.loss, model.start(), jac=True, method="L-BFGS-B",
                     options={"maxiter": iterations, "maxcor": 20})  # fmt: skip
    strength, ability, position, rest = model.split(np.asarray(found.x, np.float64))
    ties = float(np.exp(rest[1])) if model.has_ties else 0.0
    return Strengths(
        strength, ability, position, float(rest[0]), ties, int(found.nit), bool(found.success)
    )


class Model:
    def __init__(self, judgments: Judgments) -> None:
        self.judgments = judgments
        count = len(judgments.said)
        self.first = np.zeros(count) if judgments.first is None else judgments.first
        self.length = np.zeros(count) if judgments.length is None else judgments.length
        self.sign = np.array([1.0, -1.0, 0.0])[judgments.said]
        self.tied = judgments.said == TIE
        self.has_ties = bool(self.tied.any())
        sizes = (judgments.n_responses, judgments.n_annotators, judgments.n_annotators, 2)
        self.ends = np.cumsum(sizes)

    def start(self) -> Floats:
        strength, ability, position, rest = np.split(np.zeros(self.ends[-1]), self.ends[:-1])
        return np.concatenate([strength, ability + 1, position, rest])

    def split(self, parameters: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        strength, ability, position, rest = np.split(parameters, self.ends[:-1])
        return strength, ability, position, rest

    def loss(self, parameters: Floats) -> tuple[float, Floats]:
        given = self.judgments
        strength, ability, position, rest = self.split(parameters)
        gap = strength[given.a] - strength[given.b]
        skill = ability[given.annotators]
        u = skill * gap + position[given.annotators] * self.first + rest[0] * self.length
        log_ties = rest[1] if self.has_ties else -np.inf
        total = np.logaddexp(np.logaddexp(u / 2, -u / 2), log_ties)
        said = np.where(self.tied, rest[1], self.sign * u / 2)
        slope = self.sign / 2 - (np.exp(u / 2 - total) - np.exp(-u / 2 - total)) / 2
        per_strength = np.bincount(given.a, slope * skill, given.n_responses) - np.bincount(
            given.b, slope * skill, given.n_responses
        )
        per_annotator = (
            np.bincount(given.annotators, slope * gap, given.n_annotators),
            np.bincount(given.annotators, slope * self.first, given.n_annotators),
        )
        tie_slope = (self.tied - np.exp(log_ties - total)).sum() if self.has_ties else 0.0
        pulls = (
            strength / SPREAD**2, (ability - 1) / ABILITY_SPREAD**2, position / PULL_SPREAD**2,
            rest / np.array([PULL_SPREAD**2, 25.0]),
        )  # fmt: skip
        penalty = (
            (strength * pulls[0]).sum() + ((ability - 1) * pulls[1]).sum()
            + (position * pulls[2]).sum() + (rest * pulls[3]).sum()
        ) / 2  # fmt: skip
        gradient = np.concatenate(
            [
                pulls[0] - per_strength, pulls[1] - per_annotator[0], pulls[2] - per_annotator[1],
                pulls[3] - np.array([(slope * self.length).sum(), tie_slope]),
            ]
        )  # fmt: skip
        return float(penalty - (said - total).sum()), gradient


__all__ = ["TIE", "A", "B", "Judgments", "Strengths", "noisy_bradley_terry"]
