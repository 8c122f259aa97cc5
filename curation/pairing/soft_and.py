"""Several imported scores as one order that lets no score make up for a bad one (S05, LSC)."""

from collections import Counter
from collections.abc import Iterator
from math import fsum
from typing import Literal

import numpy as np
from pydantic import Field

from curation.pairing.labels import Judged
from curation.pairing.order import Order, Scored
from curation.pairing.percentiles import score_columns


class SoftAnd(Order):
    """s(y) = Σ log σ(r(y) − r_ref), r_ref the given quantile of the score among the prompt's
    responses (arXiv 2402.00742): the log of a product of probabilities, at most 0.

    Scores must be log odds or on a scale like theirs. Without `names` all that each response has.
    """

    label: Literal["soft_and"] = "soft_and"
    names: tuple[str, ...] | None = Field(default=None, min_length=1)
    quantile: float = Field(default=0.85, ge=0, le=1)

    def lists(self, judged: Judged, skipped: Counter[str]) -> Iterator[Scored]:
        columns: list[dict[str, float]] = []
        for values in score_columns(judged, self.names, skipped):
            reference = float(np.quantile(sorted(values.values()), self.quantile))
            columns.append({id: centred(value, reference) for id, value in values.items()})
        if columns:
            yield Scored({id: fsum(each[id] for each in columns) for id in columns[0]}, columns)


def centred(score: float, reference: float) -> float:
    """log σ(score − reference)."""
    return -float(np.logaddexp(0.0, reference - score))
