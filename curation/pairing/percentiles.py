"""Several imported scores as one order: the mean of each response's percentile under each (S05)."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import fsum
from typing import Literal

from pydantic import Field

from curation.pairing.labels import Judged
from curation.pairing.order import Order, Scored


class Percentiles(Order):
    """C(y) = share of the prompt's responses whose score is not above that of y; their mean.

    Scores of different units and scales count alike, as in InfAlign's calibration (arXiv
    2412.19792). Higher = better in every score; without `names` all that each response has.
    """

    label: Literal["percentiles"] = "percentiles"
    names: tuple[str, ...] | None = Field(default=None, min_length=1)

    def lists(self, judged: Judged, skipped: Counter[str]) -> Iterator[Scored]:
        columns = [percentiles(values) for values in score_columns(judged, self.names, skipped)]
        if columns:
            means = {id: fsum(each[id] for each in columns) / len(columns) for id in columns[0]}
            yield Scored(means, columns)


def score_columns(
    judged: Judged, names: Sequence[str] | None, skipped: Counter[str]
) -> list[dict[str, float]]:
    """A column a score, by response, of the responses that have all; empty where they are fewer
    than two. Without `names` the scores that every scored response has."""
    scored = {id: each.scores for id, each in judged.candidates.items() if each.scores}
    names = names or shared(list(scored.values()))
    complete = {id: given for id, given in scored.items() if names and given.keys() >= set(names)}
    skipped["unrated_response"] += len(judged.candidates) - len(complete)
    if len(complete) < 2:
        skipped["too_few_rated"] += 1
        return []
    return [{id: given[name] for id, given in complete.items()} for name in names]


def shared(scores: Sequence[Mapping[str, float]]) -> tuple[str, ...]:
    """The scores that every response has."""
    return tuple(sorted(set(scores[0]).intersection(*scores[1:]))) if scores else ()


def percentiles(values: Mapping[str, float]) -> dict[str, float]:
    """By response, in (0, 1]."""
    ranked = sorted(values.values())
    below = {value: place for place, value in enumerate(ranked, start=1)}  # the last of equals
    return {id: below[value] / len(ranked) for id, value in values.items()}
