"""Curriculum of pairs from easy to hard (Curry-DPO, arXiv 2403.07230)."""

from typing import ClassVar, Literal

from pydantic import Field

from curation.pairing.admission import Admission
from curation.pairing.labels import Judged
from curation.pairing.orders import AnyOrder
from curation.pairing.policy import Built, BuiltPair, PairPolicy
from curation.pairing.ratings import Ratings


class Curry(PairPolicy):
    """The best response against the worst, then the next worst, ...: stages 1, 2, ... (C02).

    Of K responses R1..RK by score the pairs are (R1, RK), (R1, RK-1), ..., (R1, R2): the gap never
    grows from stage to stage. The trainer takes stage t with the model of stage t - 1 as reference.
    """

    soft_ties: ClassVar[bool] = False

    kind: Literal["curry"] = "curry"
    by: AnyOrder = Ratings()
    stages: int | None = Field(default=None, ge=1, le=100, description="the easiest ones only")

    def build(self, judged: Judged) -> Built:
        admission = Admission(self, judged)
        pairs: list[BuiltPair] = []
        for scored in self.by.lists(judged, admission.skipped):
            best, *others = scored.ranked()
            admitted = [
                other for other in reversed(others) if scored.admitted(admission, best, other)
            ][: self.stages]
            pairs += [scored.pair(best, other, at) for at, other in enumerate(admitted, start=1)]
        return admission.built(pairs)
