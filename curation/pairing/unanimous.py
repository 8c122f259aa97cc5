"""Pairs about which nobody disagrees."""

from typing import ClassVar, Literal

from pydantic import Field

from curation.pairing.admission import Admission
from curation.pairing.labels import Judged
from curation.pairing.policy import Built, BuiltPair, PairPolicy
from curation.pairing.votes import selected, tallies


class Unanimous(PairPolicy):
    """Every judgment of the two says the same; one tie, "both bad" or other opinion is too many."""

    soft_ties: ClassVar[bool] = False

    kind: Literal["unanimous"] = "unanimous"
    aspects: tuple[str, ...] | None = Field(default=None, min_length=1)
    min_votes: int = Field(default=2, ge=1)

    def build(self, judged: Judged) -> Built:
        admission = Admission(self, judged)
        pairs: list[BuiltPair] = []
        for found in tallies(selected(judged.votes, self.aspects)):
            pair = found.pair(a_wins=found.for_a > found.for_b)
            if found.total in (found.ties, found.both_bad):
                admission.skipped["tie" if found.ties else "both_bad"] += 1
            elif found.total < self.min_votes:
                admission.skipped["too_few_votes"] += 1
            elif found.total not in (found.for_a, found.for_b):
                admission.skipped["not_unanimous"] += 1
            elif admission.admits(pair.chosen, pair.rejected, pair.margin or None):
                pairs.append(pair)
        return admission.built(pairs)
