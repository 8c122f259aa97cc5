"""A02: what labels go with: length, lists, refusals, position, model, whatever has a number."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm

from curation.items import Floats
from curation.structure.logistic import fit

RIDGE = 1.0
PERMUTATIONS = 500
LEVEL = 0.95


@dataclass(frozen=True)
class Factor:
    """`coefficient`: log-odds of being preferred per standard deviation of the difference, all
    other factors held; [low, high] 95 %. `gain`: σ(β) − σ(−β), what ±1 sd does to the win rate.
    `win_rate`: how often the response with more of it wins (.5: no pull), over `rows` pairs that
    differ. `p_value`: of any factor being so strong if labels were coins (family-wise)."""

    name: str
    coefficient: float
    low: float
    high: float
    gain: float
    win_rate: float
    rows: int
    p_value: float


def factors(
    names: Sequence[str],
    differences: Floats,
    a_better: NDArray[np.bool_],
    *,
    ridge: float = RIDGE,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> list[Factor]:
    """Strongest first. `differences` (n, f) of responses a − b; `a_better` (n,) booleans.

    Ridge logistic regression without intercept: exchanging a and b changes nothing. The null
    turns each label by a coin and keeps the largest score of any factor. A factor that never
    differs has coefficient 0 and p-value 1. "Dissecting human and LLM preferences",
    arXiv 2402.11296, with the posterior's mode instead of its samples.
    """
    x = np.asarray(differences, np.float64).reshape(len(a_better), len(names))
    if not np.isfinite(x).all():
        raise ValueError("differences must be finite")
    sign = np.where(np.asarray(a_better, bool), 1.0, -1.0)
    size = np.sqrt((x**2).mean(axis=0)) if len(x) else np.zeros(len(names))
    varies = size > 1e-12
    scaled = np.where(varies, x / np.where(varies, size, 1.0), 0.0)
    head = fit(scaled * sign[:, None], ridge)
    half = norm.ppf((1 + LEVEL) / 2) * np.sqrt(np.diag(head.covariance)) * varies
    p_values = family_wise(scaled, sign, permutations, seed)
    more = np.sign(x) * sign[:, None]
    rows = (more != 0).sum(axis=0)
    wins = (more > 0).sum(axis=0) / np.maximum(rows, 1)
    found = [
        Factor(
            name, float(beta), float(beta - half[f]), float(beta + half[f]),
            float(expit(beta) - expit(-beta)), float(wins[f]) if rows[f] else float("nan"),
            int(rows[f]), float(p_values[f]),
        )
        for f, (name, beta) in enumerate(zip(names, head.weights.tolist(), strict=True))
    ]  # fmt: skip
    return sorted(found, key=lambda factor: (-abs(factor.coefficient), factor.name))


def family_wise(scaled: Floats, sign: Floats, permutations: int, seed: int) -> Floats:
    """(f,): the share of coin-labelled sets whose largest |score| reaches this factor's."""
    score = np.abs(scaled.T @ sign)
    rng = np.random.default_rng(seed)
    reached = np.ones(len(score))  # the set itself is one of them
    for _ in range(permutations):
        coins = rng.integers(0, 2, len(sign)) * 2.0 - 1
        reached += np.abs(scaled.T @ coins).max(initial=0) >= score - 1e-9
    return reached / (permutations + 1)
