"""Ratings as an order: the weighted mean over aspects of each aspect's mean over annotators."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import fsum
from statistics import median
from typing import Literal, TypeAlias

from pydantic import Field, model_validator

from curation.pairing.labels import Judged, Rated
from curation.pairing.order import Order, Scored
from curation.pairing.rankings import mean

OVERALL = ("overall", "overall_score")  # aspects that stand for the whole answer
Values: TypeAlias = Mapping[str | None, Sequence[float]]  # by aspect


class Ratings(Order):
    """s(y) = sum_k w_k m_k(y) / sum_k w_k, m_k the mean or median of the annotators' values.

    Without `aspects`: the ratings of the whole answer (no aspect, or one called `overall`), and
    where there are none the mean of all aspects that the prompt's ratings have (C01). A response
    that lacks one of the aspects has no score; a missing rating is never a zero. Ratings of single
    turns do not count.
    """

    label: Literal["ratings"] = "ratings"
    aspects: tuple[str, ...] | None = Field(default=None, min_length=1)
    weights: dict[str, float] = Field(default_factory=dict[str, float])
    annotators: Literal["mean", "median"] = "mean"
    aspects_agree: bool = Field(
        default=False,
        description="no pair where the mean of the other aspects says the opposite; a response that"
        " lacks one of them has no score",
    )
    rescale: bool = Field(default=False, description="map every value to 0..1 by its own scale")

    @model_validator(mode="after")
    def weights_fit(self) -> "Ratings":
        strangers = set(self.weights) - set(self.aspects or self.weights)
        if strangers:
            raise ValueError(f"a weight for {', '.join(sorted(strangers))}, which is no aspect")
        if any(not 0 < weight < float("inf") for weight in self.weights.values()):
            raise ValueError("a weight is a positive number")
        return self

    def lists(self, judged: Judged, skipped: Counter[str]) -> Iterator[Scored]:
        together: dict[str, dict[str | None, list[float]]] = defaultdict(lambda: defaultdict(list))
        alone: dict[tuple[str, str | None], dict[str | None, list[float]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for rated in judged.ratings:
            value = self.value(rated)
            if value is None:
                skipped["no_scale"] += 1
                continue
            together[rated.response][rated.aspect].append(value)
            alone[rated.response, rated.annotator][rated.aspect].append(value)
        aspects = self.used(together)
        scores = self.scores({id: values for id, values in together.items()}, aspects)
        second = self.second(together, aspects) if self.aspects_agree else None
        if second is not None:
            scores = {id: score for id, score in scores.items() if id in second}
        skipped["unrated_response"] += len(judged.candidates) - len(scores)
        if len(scores) < 2:
            skipped["too_few_rated"] += 1
            return
        voters: dict[str | None, dict[str, float]] = defaultdict(dict)
        for (response, annotator), values in alone.items():
            if (score := self.score(values, aspects)) is not None:
                voters[annotator][response] = score
        yield Scored(scores, list(voters.values()), second=second)

    def value(self, rated: Rated) -> float | None:
        """None where it is to be rescaled and has no scale."""
        if not self.rescale:
            return rated.value
        low, high = rated.scale or (0.0, 0.0)
        return (rated.value - low) / (high - low) if high > low else None

    def used(self, found: Mapping[str, Values]) -> tuple[str | None, ...]:
        """The aspects whose mean is the score."""
        if self.aspects is not None:
            return self.aspects
        known = {aspect for values in found.values() for aspect in values}
        if self.weights:
            return tuple(sorted(self.weights))
        for whole in (None, *OVERALL):
            if whole in known:
                return (whole,)
        return tuple(sorted(aspect for aspect in known if aspect is not None))

    def second(
        self, found: Mapping[str, Values], aspects: Sequence[str | None]
    ) -> dict[str, float] | None:
        """The mean of all aspects that the score leaves out; None where there are none."""
        known = {aspect for values in found.values() for aspect in values if aspect is not None}
        rest = tuple(sorted(known - set(aspects)))
        return self.scores(found, rest) if rest else None

    def scores(
        self, found: Mapping[str, Values], aspects: Sequence[str | None]
    ) -> dict[str, float]:
        scored = {id: self.score(values, aspects) for id, values in found.items()}
        return {id: score for id, score in scored.items() if score is not None}

    def score(self, values: Values, aspects: Sequence[str | None]) -> float | None:
        """None where an aspect has no value."""
        if not aspects or any(not values.get(aspect) for aspect in aspects):
            return None
        weights = [1.0 if aspect is None else self.weights.get(aspect, 1.0) for aspect in aspects]
        weighted = [
            weight * self.aggregate(values[aspect])
            for weight, aspect in zip(weights, aspects, strict=True)
        ]
        return fsum(weighted) / fsum(weights)

    def aggregate(self, values: Sequence[float]) -> float:
        return median(values) if self.annotators == "median" else mean(values)
