"""How many kept labels are wrong, from P(a label agrees) and the share of wrong ones in all."""

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats

# P is summed by its weights on these knots: any function of it is read from the sums as a line
# from knot to knot.
KNOTS = np.linspace(0, 1, 21)
SUREST = 0.99  # quantile
MOST = 0.49  # rate of wrong labels: half of them would say nothing


def on_knots(p: Floats) -> NDArray[np.float64]:
    """(n, knots) weights: two neighbours share each p, so that its mean is kept; 0 where NaN."""
    known = ~np.isnan(p)
    place = np.where(known, np.clip(p, 0, 1), 0) * (len(KNOTS) - 1)
    lower = np.minimum(place.astype(np.int64), len(KNOTS) - 2)
    above = place - lower
    table = np.zeros((len(p), len(KNOTS)))
    rows = np.flatnonzero(known)
    table[rows, lower[known]] = 1 - above[known]
    table[rows, lower[known] + 1] = above[known]
    return table


def most_wrong(p: Floats) -> float:
    """No larger share of all labels can be wrong, if wrong ones fall on all pairs alike: a label
    that agrees with probability p leaves room for 1 - p. Of the surest 1 %; 0.49 of none."""
    known = p[~np.isnan(p)]
    return float(np.clip(1 - np.quantile(known, SUREST), 0, MOST)) if len(known) else MOST


def wrong(p: Floats, rate: float) -> NDArray[np.float64]:
    """P(the given label is wrong) where labels like it agree with it with probability `p`.

    Bayes: a share `rate` < 0.5 of all labels is turned round, whatever the pair. With q = P(the
    right label is the given one) = (p - rate) / (1 - 2 rate), it is rate (1 - q) / p. It needs a
    calibrated p, not an accurate one: a scorer that knows nothing (p = 1/2) gives `rate`.
    """
    inside = np.clip(np.asarray(p, np.float64), max(rate, 1e-12), 1 - rate)
    return np.clip(rate / (1 - 2 * rate) * ((1 - rate) / inside - 1), 0, 1)
