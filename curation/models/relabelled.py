"""Bradley–Terry heads for labels that are not simply "chosen is better": soft, mixed, or turned."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from curation.items import Floats, Pairs
from curation.models.bradley_terry import Features, fit_heads, margins
from curation.models.device import Device
from curation.models.views import RIDGE, PairFeatures, Standard


def fit_on(
    pairs: Pairs, views: Sequence[str], towards: Floats, against: Floats, device: Device = "auto"
) -> dict[str, NDArray[Any]]:
    """What `margins_of` needs. `towards`, `against` (n, B), not negative: how much column b counts
    the chosen, and the rejected, response of a pair as the better one."""
    features = PairFeatures(pairs)
    raw, weights = features.standard(), np.vstack([towards, against])
    scales: list[float] = []
    arrays: dict[str, NDArray[Any]] = {}
    for view in views:
        rows, scale = features.measured(view, raw)
        scales.append(scale)
        heads = fit_heads(both_ways(rows), weights, RIDGE[view], device)
        size = np.sqrt((margins(rows, heads) ** 2).mean(axis=0))
        arrays[f"heads_{view}"] = (heads / np.where(size > 0, size, 1.0)).astype(np.float32)
    standard = raw._replace(scale=np.array(scales))
    return arrays | {name: np.asarray(values) for name, values in standard._asdict().items()}


def margins_of(
    pairs: Pairs, views: Sequence[str], arrays: Mapping[str, NDArray[Any]]
) -> NDArray[np.float64]:
    """(n, B), chosen over rejected; a view's margins have mean square 1 on what it was fitted on,
    so that views add up."""
    standard = Standard(*(arrays[name] for name in Standard._fields))
    features = PairFeatures(pairs)
    found = [
        margins(features.scaled(view, standard, views), arrays[f"heads_{view}"]) for view in views
    ]
    return np.mean(np.array(found, np.float64), axis=0)


def both_ways(rows: Features) -> Features:
    if isinstance(rows, csr_array):
        stacked: Any = vstack([rows, -rows], format="csr")
        return csr_array(stacked)
    return np.vstack([rows, -rows])
