"""A ridge regression on the differences of a pair: cheap margins, held out by prompt."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.items import Floats, Indices, Pairs, View

VIEWS = ("prompt_response", "response", "style")  # those of the selecting head
VECTORS = (View.chosen, View.rejected, View.prompt_chosen, View.prompt_rejected)
RIDGE = 120.0  # 4 × the ridge of the selecting head: a logistic loss has curvature ¼ at 0
FOLDS = 10
BLOCK = 4096


class Scales(NamedTuple):
    """What makes rows of each view have mean square 1; no label enters."""

    style: NDArray[np.float64]  # (f,) root mean square of chosen − rejected
    views: NDArray[np.float64]  # (views,)


def differences(pairs: Pairs, scales: Scales | None = None) -> tuple[NDArray[np.float32], Scales]:
    """(n, d) chosen − rejected of VIEWS side by side. Exchanged responses change every sign.

    Without `scales` they are measured on these pairs.
    """
    from curation.models.style import style_features
    from curation.models.views import divided, root_mean_square

    style = style_features(pairs.prompts, pairs.chosen) - style_features(
        pairs.prompts, pairs.rejected
    )
    of_style = root_mean_square(style) if scales is None else scales.style
    vectors = pairs.vectors
    parts = [
        np.asarray(vectors[View.prompt_chosen] - vectors[View.prompt_rejected], np.float32),
        np.asarray(vectors[View.chosen] - vectors[View.rejected], np.float32),
        divided(style, of_style).astype(np.float32),
    ]
    sizes = np.array([row_length(part) for part in parts]) if scales is None else scales.views
    for part, size in zip(parts, sizes.tolist(), strict=True):
        part *= 1 / size if size > 0 else 0.0
    return np.hstack(parts), Scales(of_style, sizes)


def row_length(rows: Floats) -> float:
    """Root mean square length of the rows that are finite: an image's are not."""
    squared = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    known = squared[np.isfinite(squared)]
    return float(np.sqrt(known.mean())) if len(known) else 0.0


def gram(rows: Floats) -> NDArray[np.float64]:
    """Xᵀ X, summed block by block in float64."""
    found = np.zeros((rows.shape[1], rows.shape[1]))
    for start in range(0, len(rows), BLOCK):
        part = np.asarray(rows[start : start + BLOCK], np.float64)
        found += part.T @ part
    return found


def solve(inner: Floats, total: Floats, ridge: float) -> NDArray[np.float64]:
    """w of the least Σ (1 − x·w)² + ridge |w|², from Xᵀ X and Xᵀ 1."""
    return np.asarray(np.linalg.solve(inner + ridge * np.eye(len(inner)), total), np.float64)


def fit(rows: Floats, ridge: float = RIDGE) -> NDArray[np.float64]:
    """(d,): the margin of each pair should be 1."""
    return solve(gram(rows), rows.sum(axis=0, dtype=np.float64), ridge)


def cross_fit(
    rows: Floats, fold: Indices, folds: int = FOLDS, ridge: float = RIDGE
) -> NDArray[np.float64]:
    """(d, folds): column f from the pairs of the other folds."""
    inner, total = gram(rows), rows.sum(axis=0, dtype=np.float64)
    heads = np.zeros((rows.shape[1], folds))
    for f in range(folds):
        out = rows[fold == f]
        heads[:, f] = solve(inner - gram(out), total - out.sum(axis=0, dtype=np.float64), ridge)
    return heads


def held_out(rows: Floats, fold: Indices, heads: Floats) -> NDArray[np.float64]:
    """(n,) each pair's margin by the head that did not see its fold."""
    return np.einsum("ij,ji->i", rows, heads[:, fold], dtype=np.float64)
