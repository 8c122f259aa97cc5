"""Statistical rejection sampling of stored candidates (RSO, arXiv 2309.06657)."""

from collections.abc import Sequence
from math import exp, inf, isinf
from random import Random
from typing import ClassVar, Literal

from pydantic import Field

from curation.pairing.admission import Admission
from curation.pairing.imported import ImportedScores
from curation.pairing.labels import Judged
from curation.pairing.order import Scored
from curation.pairing.orders import AnyOrder
from curation.pairing.policy import Built, BuiltPair, PairPolicy


class Rso(PairPolicy):
    """`keep` of the candidates as if drawn from the optimal policy, then pairs of them (C03).

    A candidate is accepted with probability exp((r − r_max) / beta), r_max the highest among those
    not yet accepted: beta 0 takes the best ones, a large beta all alike. The seed draws which one
    is looked at, so equal scores have equal chances. `first_round` pairs
    neighbours in the order of acceptance, `tournament` lets the winners go on. The paper draws the
    candidates (64, temperature .7) and ranks them by a pairwise ranker; here both are stored.
    """

    version: ClassVar[int] = 2  # 1 looked at the lowest ids first
    soft_ties: ClassVar[bool] = False

    kind: Literal["rso"] = "rso"
    by: AnyOrder = ImportedScores()
    keep: int = Field(default=8, ge=2, le=1000)
    beta: float = Field(default=0.5, ge=0, description="in the unit of the scores")
    rounds: Literal["first_round", "tournament"] = "first_round"

    def build(self, judged: Judged) -> Built:
        admission = Admission(self, judged)
        pairs: list[BuiltPair] = []
        for scored in self.by.lists(judged, admission.skipped):
            random = Random(admission.draw(*sorted(scored.scores)))
            ids = sorted(scored.scores)
            drawn, refused = sampled(
                [scored.scores[id] for id in ids], self.keep, self.beta, random
            )
            admission.skipped["draws_refused"] += refused
            pairs += self.contests([ids[place] for place in drawn], scored, admission)
        return admission.built(pairs)

    def contests(
        self, round: Sequence[str], scored: Scored, admission: Admission
    ) -> list[BuiltPair]:
        """An odd one out goes on by itself."""
        pairs: list[BuiltPair] = []
        while len(round) > 1:
            winners: list[str] = []
            for one, other in zip(round[::2], round[1::2], strict=False):
                ahead = scored.scores[one] >= scored.scores[other]
                better, worse = (one, other) if ahead else (other, one)
                winners.append(better)
                if scored.admitted(admission, better, worse):
                    pairs.append(scored.pair(better, worse))
            if self.rounds == "first_round":
                break
            round = [*winners, *round[len(winners) * 2 :]]
        return pairs


def acceptance(scores: Sequence[float], beta: float) -> list[float]:
    """Probability that each is accepted when it is looked at, the best of them always."""
    most = max(scores, default=-inf)
    if beta == 0 or isinf(beta):
        return [1.0 if isinf(beta) or score == most else 0.0 for score in scores]
    return [exp((score - most) / beta) for score in scores]


def sampled(
    scores: Sequence[float], keep: int, beta: float, random: Random
) -> tuple[list[int], int]:
    """Places of those accepted, in that order and each at most once, and how many looks failed.

    By place and not by what is said: equal candidates are different draws. Each look is at one of
    those left, drawn uniformly, so the next accepted one is drawn in proportion to exp(r / beta).
    """
    left, found, refused = list(range(len(scores))), list[int](), 0
    while left and len(found) < keep:
        chances = acceptance([scores[place] for place in left], beta)
        looks = [look for look, chance in enumerate(chances) if chance > 0]
        while random.random() >= chances[look := random.choice(looks)]:
            refused += 1
        found.append(left.pop(look))
    return found, refused
