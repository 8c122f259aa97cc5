"""What an order is: a reading of the labels that gives each response of a list a score."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from curation.pairing.admission import TOLERANCE, Admission
from curation.pairing.labels import Judged
from curation.pairing.policy import BuiltPair


class Scored(NamedTuple):
    """Responses of one list with their scores, higher = better.

    `voters`: what each annotator alone says. `beats`: (a, b) where a is known to be better, for an
    order that is only partial; None where the scores say it all. `second`: scores that must not
    say the opposite.
    """

    scores: Mapping[str, float]
    voters: Sequence[Mapping[str, float]] = ()
    beats: frozenset[tuple[str, str]] | None = None
    second: Mapping[str, float] | None = None

    def ranked(self) -> list[str]:
        """Best first; of equal scores the lower id first."""
        return sorted(self.scores, key=lambda id: (-round(self.scores[id], 9), id))

    def tiers(self) -> list[list[str]]:
        """Best first; equal scores share a tier."""
        keyed = groupby(self.ranked(), key=lambda id: round(self.scores[id], 9))
        return [list(tier) for _, tier in keyed]

    def gap(self, a: str, b: str) -> float:
        """How much better a is; 0 where a partial order says nothing."""
        if self.beats is not None and (a, b) not in self.beats:
            return 0.0
        gap = self.scores[a] - self.scores[b]
        return 0.0 if abs(gap) <= TOLERANCE else gap

    def admitted(self, admission: Admission, a: str, b: str) -> bool:
        """Whether a over b may be a pair; counts the refusal where there is one."""
        reason = self.refusal(admission, a, b)
        if reason is not None:
            admission.skipped[reason] += 1
        return reason is None

    def refusal(self, admission: Admission, a: str, b: str) -> str | None:
        reason = admission.refusal(a, b, self.gap(a, b))
        if reason is None and self.second and self.second[a] < self.second[b] - TOLERANCE:
            return "aspects_disagree"
        return reason

    def pair(self, a: str, b: str, stage: int | None = None) -> BuiltPair:
        """a over b, with what the single annotators say about them."""
        gaps = [voter[a] - voter[b] for voter in self.voters if a in voter and b in voter]
        wins = sum(gap > TOLERANCE for gap in gaps)
        ties = sum(abs(gap) <= TOLERANCE for gap in gaps)
        margin = self.gap(a, b)
        if not gaps:  # nobody judged both: the aggregate is the one witness
            return BuiltPair(a, b, 1, 1.0, margin, 1.0 if margin else 0.5, stage)
        share = (wins + ties / 2) / len(gaps) if margin else 0.5
        return BuiltPair(a, b, len(gaps), wins / len(gaps), margin, share, stage)


class Order(BaseModel, ABC):
    """Reads one kind of label. A response without its label has no score: it is left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def lists(self, judged: Judged, skipped: Counter[str]) -> Iterator[Scored]:
        """The prompt's lists; why there is none, or why a response has no score, is counted."""


def adjacent_tiers(scored: Scored) -> Iterator[tuple[list[str], list[str]]]:
    """Each tier with the next lower one."""
    yield from pairwise(scored.tiers())
