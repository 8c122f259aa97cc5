"""Pair ranking, then point sifting: the best-scored winner against the worst-scored loser."""

from collections import Counter
from typing import ClassVar, Literal

from pydantic import Field

from curation.pairing.admission import Admission
from curation.pairing.labels import Judged
from curation.pairing.order import Scored
from curation.pairing.orders import AnyOrder
from curation.pairing.policy import Built, BuiltPair, PairPolicy
from curation.pairing.ratings import Ratings
from curation.pairing.votes import selected, tallies


class TwoStage(PairPolicy):
    """One pair a list: argmax s(y) of the winners against argmin s(y) of the losers (C01).

    UnifiedReward (arXiv 2503.05236) compares responses in twos, puts each winner on one list and
    each loser on the other, and lets pointwise scores choose from both. Here a response that was
    compared several times is on the side of most of its comparisons; an equal split is on none. No
    pair where the scores say the opposite of the comparisons. Where the worst loser says the same
    as the best winner, or comes from its model, the next worst takes its place.
    """

    soft_ties: ClassVar[bool] = False

    kind: Literal["two_stage"] = "two_stage"
    by: AnyOrder = Ratings()
    aspects: tuple[str, ...] | None = Field(
        default=None, min_length=1, description="of the comparisons; without: overall ones"
    )

    def build(self, judged: Judged) -> Built:
        admission = Admission(self, judged)
        sides = self.sides(judged)
        if not sides:
            admission.skipped["no_comparison"] += 1
            return admission.built([])
        found = (self.sifted(each, sides, admission) for each in self.lists(judged, admission))
        return admission.built([pair for pair in found if pair is not None])

    def lists(self, judged: Judged, admission: Admission) -> list[Scored]:
        return list(self.by.lists(judged, admission.skipped))

    def sides(self, judged: Judged) -> Counter[str]:
        """By response: comparisons won minus those lost, each by the majority of its votes."""
        net: Counter[str] = Counter()
        for found in tallies(selected(judged.votes, self.aspects)):
            decided = (found.for_a > found.for_b) - (found.for_a < found.for_b)
            net[found.a] += decided
            net[found.b] -= decided
        return net

    def sifted(self, scored: Scored, sides: Counter[str], admission: Admission) -> BuiltPair | None:
        ranked = scored.ranked()
        winners = [id for id in ranked if sides[id] > 0]
        losers = [id for id in reversed(ranked) if sides[id] < 0]
        if not winners or not losers:
            admission.skipped["one_sided"] += 1
            return None
        best = winners[0]
        refusals: list[str] = []
        for other in losers:
            refusal = "stages_disagree" if scored.gap(best, other) < 0 else None
            refusal = refusal or scored.refusal(admission, best, other)
            if refusal is None:
                return scored.pair(best, other)
            refusals.append(refusal)
        admission.skipped[refusals[0]] += 1
        return None
