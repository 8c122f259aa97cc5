"""Every two responses that are far enough apart."""

from itertools import combinations
from typing import Literal

from curation.pairing.admission import Admission
from curation.pairing.labels import Judged
from curation.pairing.orders import AnyOrder
from curation.pairing.policy import MAX_LIST, Built, BuiltPair, PairPolicy
from curation.pairing.ratings import Ratings


class AllPairs(PairPolicy):
    """(i, j) for every s_i > s_j with s_i - s_j >= min_gap (C01), the best first."""

    kind: Literal["all_pairs"] = "all_pairs"
    by: AnyOrder = Ratings()

    def build(self, judged: Judged) -> Built:
        admission = Admission(self, judged)
        pairs: list[BuiltPair] = []
        for scored in self.by.lists(judged, admission.skipped):
            if len(scored.scores) > MAX_LIST:
                admission.skipped["too_many_responses"] += 1
                continue
            pairs += [
                scored.pair(a, b)
                for a, b in combinations(scored.ranked(), 2)
                if scored.admitted(admission, a, b)
            ]
        return admission.built(pairs)
