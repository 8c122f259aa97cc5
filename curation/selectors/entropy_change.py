"""D01: how much each point adds to the Gaussian entropy of its set."""

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats

RIDGE = 1e-9  # of the mean variance: a covariance of repeated points is singular


def entropy(points: Floats) -> float:
    """½ ln((2πe)^d |Σ|) in nats, Σ over n; of points in fewer than d dimensions hugely negative."""
    points = np.asarray(points, np.float64)
    _, log_det = np.linalg.slogdet(covariance(points))
    return 0.5 * (points.shape[1] * np.log(2 * np.pi * np.e) + float(log_det))


def entropy_change(points: Floats) -> NDArray[np.float64]:
    """(n,): entropy with each point less that without it, closed form; high = an outlier.

    −½ (d ln(n / (n − 1)) + ln(1 − m / (n − 1))), m its squared Mahalanobis distance. 0 where
    fewer than two points or no spread leave nothing to measure.
    """
    points = np.asarray(points, np.float64)
    n, d = points.shape
    if n < 2 or d == 0 or not points.std(axis=0).any():
        return np.zeros(n)
    centred = points - points.mean(axis=0)
    solved = np.linalg.solve(covariance(points), centred.T).T
    squared = np.einsum("ij,ij->i", centred, solved)
    left = np.maximum(1 - squared / (n - 1), 1e-9)  # without the point no spread would be left
    return -0.5 * (d * np.log(n / (n - 1)) + np.log(left))


def covariance(points: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = points - points.mean(axis=0)
    found = centred.T @ centred / max(len(points), 1)
    ridge = RIDGE * max(float(np.trace(found)) / max(points.shape[1], 1), 1e-12)
    return found + ridge * np.eye(points.shape[1])
