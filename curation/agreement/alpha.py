"""Krippendorff's alpha: agreement with missing judgments, for any level of measurement."""

from typing import Literal, TypeAlias

import krippendorff
import numpy as np

from curation.items import Floats

Level: TypeAlias = Literal["nominal", "ordinal", "interval", "ratio"]


def alpha(values: Floats, level: Level = "nominal") -> float:
    """`values` (annotators, items), NaN missing. 1 agree, 0 chance, below 0 worse than chance; NaN
    where no item has two judgments or all judgments are the same."""
    grid = np.asarray(values, np.float64)
    judged = np.isfinite(grid).sum(axis=0) >= 2
    known = grid[:, judged]
    if len(np.unique(known[np.isfinite(known)])) < 2:
        return float("nan")
    return float(krippendorff.alpha(known, level_of_measurement=level))
