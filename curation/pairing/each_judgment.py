"""Every single judgment as a pair of its own."""

from typing import Literal

from pydantic import Field

from curation.pairing.admission import Admission
from curation.pairing.labels import Judged
from curation.pairing.policy import Built, BuiltPair, PairPolicy
from curation.pairing.votes import selected, tally


class EachJudgment(PairPolicy):
    """Annotators who disagree give pairs that contradict each other: for losses that expect noise.

    `both_bad` never gives a pair.
    """

    kind: Literal["each_judgment"] = "each_judgment"
    aspects: tuple[str, ...] | None = Field(default=None, min_length=1)

    def build(self, judged: Judged) -> Built:
        admission = Admission(self, judged)
        pairs: list[BuiltPair] = []
        for vote in selected(judged.votes, self.aspects):
            if vote.outcome == "both_bad" or (vote.outcome == "tie" and self.ties == "drop"):
                admission.skipped[vote.outcome] += 1
                continue
            one = tally(vote.a, vote.b, [(vote, False)])
            tied = vote.outcome == "tie"
            pair = one.tied_pair() if tied else one.pair(a_wins=vote.outcome == "a")
            if admission.admits(pair.chosen, pair.rejected, pair.margin or None):
                pairs.append(pair)
        return admission.built(pairs)
