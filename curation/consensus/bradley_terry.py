"""Plain Bradley–Terry: one strength a response, from any number of comparisons."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from curation.consensus.votes import SIGN
from curation.items import Floats

RIDGE = 1 / 1.5**2  # the same prior as noisy_bradley_terry's
ITERATIONS = 500


def bradley_terry(
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    said: NDArray[np.int64],
    n_responses: int,
    ridge: float = RIDGE,
) -> Floats:
    """(n_responses,) log-odds strengths, mean 0 in each connected part; 0 for who never met anyone.

    `said` (n,) A, B or TIE of responses `a`, `b` (n,); a tie is half a win for each. Comparisons of
    the same two are counted first, so that a million of them take a second. The ridge makes the
    answer unique and finite, also where one response always wins or the graph falls apart. Bradley
    & Terry 1952.
    """
    if not ridge > 0:
        raise ValueError("ridge must be above 0: without it a response that always wins has no end")
    low, high, share, times = counted(a, b, said, n_responses)

    def loss(strength: Floats) -> tuple[float, Floats]:
        gap = strength[low] - strength[high]
        nats = np.logaddexp(0, gap) - share * gap
        slope = times * (expit(gap) - share)
        gradient = np.bincount(low, slope, n_responses) - np.bincount(high, slope, n_responses)
        total = float((times * nats).sum() + ridge / 2 * (strength @ strength))
        return total, gradient + ridge * strength

    found = minimize(loss, np.zeros(n_responses), jac=True, method="L-BFGS-B",
                     options={"maxiter": ITERATIONS, "maxcor": 20, "ftol": 1e-12})  # fmt: skip
    return np.asarray(found.x, np.float64)


def counted(
    a: NDArray[np.int64], b: NDArray[np.int64], said: NDArray[np.int64], n_responses: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats]:
    """Each two that met: the lower number, the higher, the share that the lower won, how often."""
    met = a != b
    a, b, sign = a[met], b[met], SIGN[said[met]]
    low, high = np.minimum(a, b), np.maximum(a, b)
    key, won = low * n_responses + high, np.where(a == low, sign, -sign) / 2 + 0.5
    if n_responses**2 <= max(20 * len(key), 1):  # counting beats sorting where most cells are met
        times = np.bincount(key, minlength=n_responses**2)
        keys = np.flatnonzero(times)
        total = np.bincount(key, won, n_responses**2)[keys]
        times = times[keys]
    else:
        keys, at, times = np.unique(key, return_inverse=True, return_counts=True)
        total = np.bincount(at, won, len(keys))
    times = times.astype(np.float64)
    return keys // max(n_responses, 1), keys % max(n_responses, 1), total / times, times
