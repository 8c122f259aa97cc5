"""The best response against a random other one (UltraFeedback binarized)."""

from typing import Literal

from curation.pairing.admission import Admission
from curation.pairing.labels import Judged
from curation.pairing.orders import AnyOrder
from curation.pairing.policy import Built, BuiltPair, PairPolicy
from curation.pairing.ratings import Ratings


class BestVsRandom(PairPolicy):
    """One pair a list: argmax against a uniform draw from those it can be paired with (C01).

    The draw depends on the seed, the prompt and the response ids, not on the order of the rows.
    """

    kind: Literal["best_vs_random"] = "best_vs_random"
    by: AnyOrder = Ratings()

    def build(self, judged: Judged) -> Built:
        admission = Admission(self, judged)
        pairs: list[BuiltPair] = []
        for scored in self.by.lists(judged, admission.skipped):
            best, *others = scored.ranked()
            refusals = {other: scored.refusal(admission, best, other) for other in others}
            remainder = [other for other, refusal in refusals.items() if refusal is None]
            if remainder:
                drawn = min(remainder, key=lambda other: admission.draw(best, other))
                pairs.append(scored.pair(best, drawn))
            else:
                admission.skipped[str(refusals[others[-1]])] += 1
        return admission.built(pairs)
