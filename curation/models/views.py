"""What a reward head sees of a pair: feature differences chosen − rejected, one matrix a view."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from curation.items import Floats, Pairs, View
from curation.models.bradley_terry import Features
from curation.models.grounding import grounding
from curation.models.ngrams import ngrams
from curation.models.style import FEATURES, style_features

# View -> ridge of its head, for rows of mean square 1 (the best of 3, 10, 30, 100 on flipped
# labels of hh_harmless and qa_feedback lie within .005 AUROC of these).
RIDGE: Mapping[str, float] = {
    "prompt_response": 100.0,
    "response": 100.0,
    "product": 30.0,
    "style": 10.0,
    "style_curves": 10.0,
    "words": 30.0,
    "characters": 30.0,
    "sources": 10.0,
    "reference": 10.0,
}
VECTORS = (
    View.prompt,
    View.chosen,
    View.rejected,
    View.prompt_chosen,
    View.prompt_rejected,
)
CURVES = 400
BANDWIDTH = 0.15


class Standard(NamedTuple):
    """Scales measured on the pairs that heads are fitted on; no label enters any of them."""

    style_mean: Floats  # (f,) of single responses
    style_spread: Floats
    delta: Floats  # (f,) root mean square of chosen − rejected
    scale: Floats  # (views,) root mean square length of a row, in the order of the views


class PairFeatures:
    """The views of some pairs. Exchanging chosen and rejected changes every sign, exactly."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs
        self.chosen = style_features(pairs.prompts, pairs.chosen)
        self.rejected = style_features(pairs.prompts, pairs.rejected)

    def standard(self) -> Standard:
        """Scales of the style; those of the views come as they are `measured`."""
        both = np.vstack([self.chosen, self.rejected])
        return Standard(
            both.mean(axis=0),
            both.std(axis=0),
            root_mean_square(self.chosen - self.rejected),
            np.zeros(0),
        )

    def measured(self, view: str, standard: Standard) -> tuple[Features, float]:
        """The view with rows of mean square 1 on these pairs, and the size that they had."""
        matrix: Any = self.differences(view, standard)
        size = row_size(matrix)
        return matrix * (1 / size if size > 0 else 0.0), size

    def scaled(self, view: str, standard: Standard, views: Sequence[str]) -> Features:
        """The view with rows of mean square 1 on the pairs that were measured."""
        matrix: Any = self.differences(view, standard)
        size = float(standard.scale[list(views).index(view)])
        return matrix * (1 / size if size > 0 else 0.0)

    def differences(self, view: str, standard: Standard) -> Features:
        """(n, d) of `view`, one of RIDGE; sparse for the n-grams."""
        pairs = self.pairs
        if view in ("words", "characters"):
            chosen, rejected = ngrams(pairs.chosen, view), ngrams(pairs.rejected, view)
            return csr_array(chosen - rejected)
        if view in ("sources", "reference"):
            return self.grounded(view)
        if view == "style":
            return divided(self.chosen - self.rejected, standard.delta)
        if view == "style_curves":
            return curves(self.chosen, standard) - curves(self.rejected, standard)
        if view == "prompt_response":
            return self.between(View.prompt_chosen, View.prompt_rejected)
        response = self.between(View.chosen, View.rejected)
        return response if view == "response" else response * self.vectors(View.prompt)

    def grounded(self, view: str) -> NDArray[np.float64]:
        """(n, features), about -1..1 each."""
        pairs = self.pairs
        if view not in pairs.grounds:
            raise ValueError(f"the pairs have no {view}")
        grounds = pairs.grounds[view]
        return grounding(view, pairs.chosen, grounds) - grounding(view, pairs.rejected, grounds)

    def between(self, chosen: View, rejected: View) -> NDArray[np.float64]:
        return self.vectors(chosen) - self.vectors(rejected)

    def vectors(self, view: View) -> NDArray[np.float64]:
        if not self.pairs.has(view):
            raise ValueError(f"the pairs have no vectors of view {view}")
        return np.asarray(self.pairs.vectors[view], np.float64)


def curves(style: Floats, standard: Standard) -> NDArray[np.float64]:
    """Random Fourier features: a linear head on them is a smooth function of the style."""
    rng = np.random.default_rng(0)  # a constant of the view, not a choice
    directions = rng.normal(size=(len(FEATURES), CURVES)) * BANDWIDTH
    phases = rng.uniform(0, 2 * np.pi, CURVES)
    return np.cos(divided(style - standard.style_mean, standard.style_spread) @ directions + phases)


def divided(values: Floats, by: Floats) -> NDArray[np.float64]:
    """0 where a feature does not vary."""
    varies = by > 1e-9
    return np.asarray(np.where(varies, values / np.where(varies, by, 1.0), 0.0), np.float64)


def root_mean_square(values: Floats) -> NDArray[np.float64]:
    return np.sqrt((np.asarray(values, np.float64) ** 2).mean(axis=0))


def row_size(matrix: Features) -> float:
    cells: Any = matrix.data if isinstance(matrix, csr_array) else matrix
    shape: Any = matrix.shape
    return float(np.sqrt((cells**2).sum() / max(shape[0], 1)))
