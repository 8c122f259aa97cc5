"""Each response against the next worse ones."""

from itertools import product
from typing import ClassVar, Literal

from curation.pairing.admission import Admission
from curation.pairing.labels import Judged
from curation.pairing.order import adjacent_tiers
from curation.pairing.orders import AnyOrder
from curation.pairing.policy import MAX_LIST, Built, BuiltPair, PairPolicy
from curation.pairing.rankings import Rankings


class Adjacent(PairPolicy):
    """Each of a tier against each of the next lower tier; equal scores share a tier."""

    soft_ties: ClassVar[bool] = False

    kind: Literal["adjacent"] = "adjacent"
    by: AnyOrder = Rankings()

    def build(self, judged: Judged) -> Built:
        admission = Admission(self, judged)
        pairs: list[BuiltPair] = []
        for scored in self.by.lists(judged, admission.skipped):
            if len(scored.scores) > MAX_LIST:
                admission.skipped["too_many_responses"] += 1
                continue
            if len(scored.tiers()) == 1:
                admission.skipped["tie"] += 1
            pairs += [
                scored.pair(a, b)
                for upper, lower in adjacent_tiers(scored)
                for a, b in product(upper, lower)
                if scored.admitted(admission, a, b)
            ]
        return admission.built(pairs)
