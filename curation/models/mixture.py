"""A Gaussian mixture over vectors: which component each point most likely belongs to."""

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from curation.items import Floats, Indices

SHAPE = "diag"  # d numbers a component: a full covariance needs more points than it has entries
RIDGE = 1e-6


def principal(vectors: Floats, dimensions: int) -> NDArray[np.float64]:
    """(n, min(dimensions, n − 1, d)) coordinates along the principal components."""
    count = min(dimensions, len(vectors) - 1, vectors.shape[1])
    if count < 1:
        return np.zeros((len(vectors), 0))
    found = PCA(count, svd_solver="full" if vectors.shape[1] <= 1024 else "auto", random_state=0)
    return np.asarray(found.fit_transform(np.asarray(vectors, np.float64)), np.float64)


def components(points: Floats, count: int, seed: int) -> Indices:
    """(n,) the component of each point; one for all where there are too few distinct points."""
    if points.shape[1] == 0 or len(np.unique(points, axis=0)) < 4 * count:
        return np.zeros(len(points), np.int64)
    model = GaussianMixture(count, covariance_type=SHAPE, reg_covar=RIDGE, random_state=seed)
    return np.asarray(model.fit_predict(points), np.int64)
