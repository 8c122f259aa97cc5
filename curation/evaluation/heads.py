"""The two judges of a subset: reward heads trained on it and asked about prompts they never saw."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from curation.items import Floats, Indices, Pairs

JITTER = 1e-10


class Head(NamedTuple):
    """A Bradley–Terry head: one linear model over several views, and its ridge."""

    title: str
    views: tuple[str, ...]
    ridge: float


# `selecting` is of the kind that `reward_margin` averages. `independent` sees more (what is said,
# word by word, what it says to this prompt); docs/evaluation.md has the figures behind the ridges.
HEADS: Mapping[str, Head] = {
    "selecting": Head(
        "Bradley–Terry on embeddings and style", ("prompt_response", "response", "style"), 30.0
    ),
    "independent": Head(
        "Bradley–Terry on embeddings, their products with the prompt, style, words and characters",
        (
            "prompt_response", "response", "product", "style", "style_curves", "words",
            "characters",
        ),
        20.0,
    ),
}  # fmt: skip
TOP = "independent"


def kernels(pairs: Pairs) -> dict[str, NDArray[np.float64]]:
    """Head -> (n, n) inner products of feature differences, each view with rows of mean square 1.

    The scales are measured on all pairs; no label enters them, so nothing of a label leaks.
    """
    from curation.models.views import PairFeatures

    features = PairFeatures(pairs)
    standard = features.standard()
    names = dict.fromkeys(view for head in HEADS.values() for view in head.views)
    grams = {name: gram(features.differences(name, standard)) for name in names}
    return {name: sum(grams[view] for view in head.views) for name, head in HEADS.items()}  # pyright: ignore[reportReturnType]


def gram(matrix: Any) -> NDArray[np.float64]:
    inner = matrix @ matrix.T
    inner = np.asarray(inner.toarray() if isinstance(matrix, csr_array) else inner, np.float64)
    size = float(inner.diagonal().mean()) if len(inner) else 0.0
    return inner / size if size > 0 else inner


def accuracies(
    kernel: Floats, ridge: float, weights: Floats, train: Indices, test: Indices, sign: Floats
) -> NDArray[np.float64]:
    """(B,) share of test pairs whose label the head agrees with; a margin of 0 counts half."""
    found = agreements(kernel, ridge, weights, train, test, sign)
    return np.asarray(found.mean(axis=0), np.float64)


def agreements(
    kernel: Floats, ridge: float, weights: Floats, train: Indices, test: Indices, sign: Floats
) -> NDArray[np.float64]:
    """(len(test), B) 1 where the head agrees with the label, ½ at a margin of 0, else 0.

    Column b of `weights` (len(train), B) is a training set. `sign` (n,) is -1 where the label of a
    pair counts the other way round in the test, else 1. In the span of the training pairs
    w = Σ a_i x_i, so that inner products are all that is needed.
    """
    from curation.models.bradley_terry import fit_heads

    inner = np.asarray(kernel[np.ix_(train, train)], np.float64)
    inner[np.diag_indices_from(inner)] += JITTER * max(float(inner.diagonal().mean()), 1.0)
    root = np.linalg.cholesky(inner)
    heads = fit_heads(root, weights, ridge, "cpu")
    mixture = np.linalg.solve(root.T, heads)
    margin = (kernel[np.ix_(test, train)] @ mixture) * sign[test][:, None]
    # In exact arithmetic equal responses have margin 0: rounding must not decide for them.
    tied = np.abs(margin) <= 1e-9 * np.abs(margin).max(axis=0, initial=0.0)
    return np.asarray(np.where(tied, 0.5, margin > 0), np.float64)
