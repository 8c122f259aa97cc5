"""GLAD: annotators differ in ability, items in difficulty."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from curation.consensus.votes import NONE, SIGN, Anchors, Consensus, Votes
from curation.items import Floats

ITERATIONS = 200
PRIOR_ABILITY = 1.0  # mean and variance of an ability
PRIOR_EASE = 0.25  # variance of the log of an item's ease


def glad(
    votes: Votes, anchors: Anchors = NONE, iterations: int = ITERATIONS
) -> tuple[Consensus, Floats, Floats]:
    """(consensus, ability (n_annotators,), ease (n_items,)): a decided vote is right with
    probability σ(ability * ease).

    Abilities are N(1, 1) and below 0 for who is mostly wrong; ln ease is N(0, 1/4). Maximum of the
    marginal likelihood by L-BFGS: the E-step is its gradient. Ties say nothing. Whitehill et al.,
    NeurIPS 2009.
    """
    model = Model(votes, anchors)
    start = np.concatenate([np.full(votes.n_annotators, PRIOR_ABILITY), np.zeros(votes.n_items)])
    found = minimize(model.loss, start, jac=True, method="L-BFGS-B",
                     options={"maxiter": iterations, "maxcor": 20})  # fmt: skip
    ability, log_ease = model.split(np.asarray(found.x, np.float64))
    p_a = anchors.fix(model.posterior(ability, log_ease))
    right = expit(ability[model.who] * np.exp(log_ease[model.what]))
    asked = np.bincount(model.who, minlength=votes.n_annotators)
    total = np.bincount(model.who, right, votes.n_annotators)
    reliability = np.where(asked > 0, total / np.maximum(asked, 1), np.nan)
    done = Consensus(p_a, reliability, int(found.nit), bool(found.success))
    return done, ability, np.exp(log_ease)


class Model:
    """The penalised negative log-likelihood of abilities and eases."""

    def __init__(self, votes: Votes, anchors: Anchors) -> None:
        decided = SIGN[votes.said] != 0
        self.what, self.who = votes.items[decided], votes.annotators[decided]
        self.sign = SIGN[votes.said][decided]
        self.n_annotators, self.n_items = votes.n_annotators, votes.n_items
        self.anchors = anchors

    def split(self, parameters: Floats) -> tuple[Floats, Floats]:
        return parameters[: self.n_annotators], parameters[self.n_annotators :]

    def sides(self, ability: Floats, log_ease: Floats) -> tuple[Floats, Floats, Floats]:
        """z of each vote; log-likelihoods of each item where a is better and where b is."""
        z = self.sign * ability[self.who] * np.exp(log_ease[self.what])
        a: Floats = np.bincount(self.what, -np.logaddexp(0, -z), self.n_items).astype(np.float64)
        b: Floats = np.bincount(self.what, -np.logaddexp(0, z), self.n_items).astype(np.float64)
        return z, a, b

    def posterior(self, ability: Floats, log_ease: Floats) -> Floats:
        _, a, b = self.sides(ability, log_ease)
        return expit(a - b)

    def loss(self, parameters: Floats) -> tuple[float, Floats]:
        ability, log_ease = self.split(parameters)
        z, a, b = self.sides(ability, log_ease)
        p_a = self.anchors.fix(expit(a - b))
        likelihood = np.logaddexp(a, b)
        known = self.anchors.items
        likelihood[known] = np.where(self.anchors.a_better, a[known], b[known])
        slope = p_a[self.what] * expit(-z) - (1 - p_a[self.what]) * expit(z)
        per_ability = np.bincount(
            self.who, slope * self.sign * np.exp(log_ease[self.what]), self.n_annotators
        )
        per_ease = np.bincount(self.what, slope * z, self.n_items)
        off, spread = ability - PRIOR_ABILITY, log_ease / PRIOR_EASE
        penalty = (off**2).sum() / 2 + (log_ease * spread).sum() / 2
        gradient = np.concatenate([off - per_ability, spread - per_ease])
        return float(penalty - likelihood.sum()), gradient
