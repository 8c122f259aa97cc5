"""Thumbs: liked against disliked responses of the same prompt."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import product
from math import fsum
from typing import ClassVar, Literal

from pydantic import Field

from curation.pairing.admission import Admission
from curation.pairing.labels import Judged, Rated
from curation.pairing.order import Scored
from curation.pairing.policy import MAX_LIST, Built, PairPolicy

THUMBS = (0.0, 1.0)


class UpVsDown(PairPolicy):
    """Each response with more thumbs up than down against each with more down than up.

    The margin is the difference of the shares of thumbs up, 0..1. A thumb is a rating on the scale
    (0, 1); an equal split decides nothing.
    """

    soft_ties: ClassVar[bool] = False

    kind: Literal["up_vs_down"] = "up_vs_down"
    aspects: tuple[str, ...] | None = Field(default=None, min_length=1)
    min_votes: int = Field(default=1, ge=1, description="thumbs a response")

    def build(self, judged: Judged) -> Built:
        admission = Admission(self, judged)
        thumbs = [r for r in judged.ratings if r.scale == THUMBS and self.counts(r)]
        given = by_response(thumbs)
        enough = {id: values for id, values in given.items() if len(values) >= self.min_votes}
        admission.skipped["too_few_votes"] += len(given) - len(enough)
        shares = {id: fsum(values) / len(values) for id, values in enough.items()}
        up = sorted(id for id, share in shares.items() if share > 0.5)
        down = sorted(id for id, share in shares.items() if share < 0.5)
        admission.skipped["tie"] += len(shares) - len(up) - len(down)
        if len(shares) > MAX_LIST:
            admission.skipped["too_many_responses"] += 1
            return admission.built([])
        if not (up and down):
            admission.skipped["no_contrast"] += 1
        scored = Scored(shares, voters(thumbs))
        pairs = [
            scored.pair(a, b) for a, b in product(up, down) if scored.admitted(admission, a, b)
        ]
        return admission.built(pairs)

    def counts(self, rated: Rated) -> bool:
        return self.aspects is None or rated.aspect in self.aspects


def by_response(thumbs: Sequence[Rated]) -> Mapping[str, Sequence[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for thumb in thumbs:
        found[thumb.response].append(thumb.value)
    return found


def voters(thumbs: Sequence[Rated]) -> list[dict[str, float]]:
    """What each annotator says of each response, 0..1."""
    found: dict[str | None, list[Rated]] = defaultdict(list)
    for thumb in thumbs:
        found[thumb.annotator].append(thumb)
    return [
        {id: fsum(values) / len(values) for id, values in by_response(own).items()}
        for own in found.values()
    ]
