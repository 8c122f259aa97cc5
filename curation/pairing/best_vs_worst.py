"""The best response against the worst (Magpie, SimPO)."""

from typing import Literal

from curation.pairing.admission import Admission
from curation.pairing.labels import Judged
from curation.pairing.orders import AnyOrder
from curation.pairing.policy import Built, BuiltPair, PairPolicy
from curation.pairing.ratings import Ratings


class BestVsWorst(PairPolicy):
    """One pair a list: argmax against argmin of the scores (C01).

    Where the worst says the same as the best, or comes from its model, the next worst takes its
    place.
    """

    kind: Literal["best_vs_worst"] = "best_vs_worst"
    by: AnyOrder = Ratings()

    def build(self, judged: Judged) -> Built:
        admission = Admission(self, judged)
        pairs: list[BuiltPair] = []
        for scored in self.by.lists(judged, admission.skipped):
            best, *others = scored.ranked()
            refusals: list[str] = []
            for other in reversed(others):
                refusal = scored.refusal(admission, best, other)
                if refusal is None:
                    pairs.append(scored.pair(best, other))
                    break
                refusals.append(refusal)
            else:
                admission.skipped[refusals[0]] += 1
        return admission.built(pairs)
