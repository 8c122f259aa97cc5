"""Judgments of two responses, counted: who is ahead, by how much, of how many."""

from collections import defaultdict
from collections.abc import Sequence
from math import fsum
from typing import NamedTuple

from curation.pairing.labels import Vote
from curation.pairing.policy import BuiltPair


class Tally(NamedTuple):
    """All judgments of `a` and `b`, in order of first mention."""

    a: str
    b: str
    for_a: int
    for_b: int
    ties: int
    both_bad: int
    strength: float | None  # mean, > 0 for a; undecided judgments count as 0, those without not

    @property
    def total(self) -> int:
        return self.for_a + self.for_b + self.ties + self.both_bad

    def pair(self, *, a_wins: bool) -> BuiltPair:
        chosen, rejected = (self.a, self.b) if a_wins else (self.b, self.a)
        wins, losses = (self.for_a, self.for_b) if a_wins else (self.for_b, self.for_a)
        share = (wins + (self.total - wins - losses) / 2) / self.total
        strength = self.strength
        margin = strength if strength is None or a_wins else -strength
        return BuiltPair(chosen, rejected, self.total, wins / self.total, margin, share)

    def tied_pair(self) -> BuiltPair:
        """The lower id as chosen: nothing speaks for either."""
        return self.pair(a_wins=self.a < self.b)._replace(soft_label=0.5, margin=0.0)


def selected(votes: Sequence[Vote], aspects: Sequence[str] | None) -> Sequence[Vote]:
    """Those of these aspects; else overall judgments, or all where every one has an aspect."""
    if aspects is not None:
        return [vote for vote in votes if vote.aspect in aspects]
    return [vote for vote in votes if vote.aspect is None] or votes


def tallies(votes: Sequence[Vote]) -> list[Tally]:
    """One for each unordered pair of responses, in order of first mention."""
    grouped: dict[tuple[str, str], list[tuple[Vote, bool]]] = defaultdict(list)
    for vote in votes:
        turned = (vote.b, vote.a) in grouped
        grouped[(vote.b, vote.a) if turned else (vote.a, vote.b)].append((vote, turned))
    return [tally(a, b, found) for (a, b), found in grouped.items()]


def tally(a: str, b: str, found: Sequence[tuple[Vote, bool]]) -> Tally:
    """`found`: each vote, and whether it names b first."""
    outcomes = [vote.outcome for vote, _ in found]
    for_a = sum(vote.outcome == ("b" if turned else "a") for vote, turned in found)
    ties, both_bad = outcomes.count("tie"), outcomes.count("both_bad")
    strengths = [
        (vote.strength or 0.0) * sign(vote, turned)
        for vote, turned in found
        if vote.strength is not None or vote.outcome in ("tie", "both_bad")
    ]
    known = any(vote.strength is not None for vote, _ in found)
    mean = fsum(strengths) / len(strengths) if known else None
    return Tally(a, b, for_a, len(found) - for_a - ties - both_bad, ties, both_bad, mean)


def sign(vote: Vote, turned: bool) -> int:
    """1 for the tally's a, -1 for its b, 0 for neither."""
    if vote.outcome not in ("a", "b"):
        return 0
    return 1 if (vote.outcome == "a") != turned else -1
