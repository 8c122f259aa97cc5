"""A small ridge Bradley–Terry head with its covariance: Newton, in numpy."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from curation.items import Floats

STEPS = 100
TOLERANCE = 1e-10


class Head(NamedTuple):
    """`weights` (d,) and `covariance` (d, d), the inverse Hessian at the minimum; `loss` is the
    negative log-likelihood without the ridge, in nats."""

    weights: Floats
    covariance: Floats
    loss: float


def fit(towards: Floats, ridge: float, weights: Floats | None = None) -> Head:
    """w minimising Σ v_i log(1 + exp(−x_i·w)) + ridge/2 |w|²; `towards` x (n, d) are differences
    winner − loser, `weights` v (n,). For up to some hundred features."""
    if not ridge > 0:
        raise ValueError("ridge must be above 0")
    x = np.asarray(towards, np.float64)
    v = np.ones(len(x)) if weights is None else np.asarray(weights, np.float64)
    w = np.zeros(x.shape[1])
    loss = objective(x, v, w, ridge)
    for _ in range(STEPS):
        p = expit(-(x @ w))
        gradient = ridge * w - x.T @ (v * p)
        step = np.linalg.solve(hessian(x, v, p, ridge), gradient)
        scale = 1.0
        while objective(x, v, w - scale * step, ridge) > loss and scale > 1e-6:
            scale /= 2
        w = w - scale * step
        before, loss = loss, objective(x, v, w, ridge)
        if before - loss <= TOLERANCE * (1 + abs(loss)):
            break
    p = expit(-(x @ w))
    likelihood = float((v * np.logaddexp(0, -(x @ w))).sum())
    return Head(w, np.linalg.inv(hessian(x, v, p, ridge)), likelihood)


def objective(x: Floats, v: Floats, w: Floats, ridge: float) -> float:
    return float((v * np.logaddexp(0, -(x @ w))).sum() + ridge / 2 * (w @ w))


def hessian(x: Floats, v: Floats, p: Floats, ridge: float) -> Floats:
    return (x * (v * p * (1 - p))[:, None]).T @ x + ridge * np.eye(x.shape[1])
