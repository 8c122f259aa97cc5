"""The best responses against all the others."""

from itertools import product
from typing import ClassVar, Literal

from curation.pairing.admission import Admission
from curation.pairing.labels import Judged
from curation.pairing.orders import AnyOrder
from curation.pairing.policy import MAX_LIST, Built, BuiltPair, PairPolicy
from curation.pairing.rankings import Rankings


class TopVsRest(PairPolicy):
    """Each of the top tier against each response below it, the worst last."""

    soft_ties: ClassVar[bool] = False

    kind: Literal["top_vs_rest"] = "top_vs_rest"
    by: AnyOrder = Rankings()

    def build(self, judged: Judged) -> Built:
        admission = Admission(self, judged)
        pairs: list[BuiltPair] = []
        for scored in self.by.lists(judged, admission.skipped):
            if len(scored.scores) > MAX_LIST:
                admission.skipped["too_many_responses"] += 1
                continue
            top, *lower = scored.tiers()
            if not lower:
                admission.skipped["tie"] += 1
            pairs += [
                scored.pair(a, b)
                for a, b in product(top, [id for tier in lower for id in tier])
                if scored.admitted(admission, a, b)
            ]
        return admission.built(pairs)
