"""What the views of a reward ensemble are worth beside each other, and which labels they doubt."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from curation.items import Floats

TOWARDS_EQUAL = 100.0  # ridge that draws each view's slope towards USUAL, all views alike
USUAL = 0.1  # slope of one view of seven that foretell weak labels


def view_weights(held_out: Floats) -> NDArray[np.float64]:
    """(views,) not negative, of mean 1. `held_out` (n, views): margins of heads that did not see a
    label. The Bradley–Terry slopes of the views, shrunk towards equal ones: on few or weak labels
    all views count alike."""
    n, views = held_out.shape
    if n == 0 or views == 1:
        return np.ones(views)
    margins = np.asarray(held_out, np.float64)

    def loss(slopes: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        ahead, off = margins @ slopes, slopes - USUAL
        value = np.logaddexp(0, -ahead).sum() + TOWARDS_EQUAL / 2 * (off**2).sum()
        return float(value), TOWARDS_EQUAL * off - margins.T @ expit(-ahead)

    start, bounds = np.full(views, USUAL), [(0.0, None)] * views
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    weights = np.asarray(found, np.float64)
    return weights * (views / weights.sum()) if weights.sum() > 0 else np.ones(views)


def trusted(margin: Floats, doubted: float) -> NDArray[np.float64]:
    """(n,) 1, or 0 for the share `doubted` of labels with the lowest margins, by heads that did not
    see them: what is likely wrong teaches nothing (trimmed loss, Shen & Sanghavi,
    arXiv 1810.11874)."""
    if len(margin) == 0 or doubted <= 0:
        return np.ones(len(margin))
    return (margin >= np.quantile(margin, doubted)).astype(np.float64)
