"""What most judgments of two responses say."""

from typing import Literal

from pydantic import Field

from curation.pairing.admission import Admission
from curation.pairing.labels import Judged
from curation.pairing.policy import Built, BuiltPair, PairPolicy
from curation.pairing.votes import selected, tallies


class Majority(PairPolicy):
    """A side wins with more votes than the other; an equal split is a tie.

    Only overall judgments vote: those without an aspect, or all where every one has an aspect;
    or those of `aspects`. "Both bad" counts as a vote for neither, or with `both_bad: drop` rules
    the pair out. The margin is the mean strength, where strengths were given.
    """

    kind: Literal["majority"] = "majority"
    aspects: tuple[str, ...] | None = Field(default=None, min_length=1)
    both_bad: Literal["neither", "drop"] = "neither"
    min_votes: int = Field(default=1, ge=1)
    min_agreement: float = Field(default=0.0, ge=0, le=1, description="share of all votes")

    def build(self, judged: Judged) -> Built:
        admission = Admission(self, judged)
        pairs: list[BuiltPair] = []
        for found in tallies(selected(judged.votes, self.aspects)):
            tied = found.for_a == found.for_b
            pair = found.tied_pair() if tied else found.pair(a_wins=found.for_a > found.for_b)
            if found.total < self.min_votes:
                admission.skipped["too_few_votes"] += 1
            elif found.both_bad and (self.both_bad == "drop" or found.both_bad == found.total):
                admission.skipped["both_bad"] += 1
            elif tied and self.ties == "drop":
                admission.skipped["tie"] += 1
            elif pair.agreement < self.min_agreement and not tied:
                admission.skipped["below_min_agreement"] += 1
            elif admission.admits(pair.chosen, pair.rejected, gap_of(pair)):
                pairs.append(pair)
        return admission.built(pairs)


def gap_of(pair: BuiltPair) -> float | None:
    """A mean strength of 0 is no tie where the votes decide."""
    return None if pair.margin == 0 else pair.margin
