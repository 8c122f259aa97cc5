"""Tideman's ranked pairs (OASST, arXiv 2304.07327): one order out of several rankings."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, groupby
from typing import Literal, NamedTuple

from pydantic import Field

from curation.pairing.labels import Judged
from curation.pairing.order import Order, Scored
from curation.pairing.rankings import connected, of_aspect, on_common


class Majority(NamedTuple):
    """`winner` is ahead of `loser` on `margin` more ballots than behind."""

    winner: str
    loser: str
    margin: int


class Consensus(NamedTuple):
    """`locked` in the order of locking; `dropped` would have closed a cycle; ranks from 0."""

    locked: list[Majority]
    dropped: list[Majority]
    ranks: dict[str, int]
    beats: frozenset[tuple[str, str]]  # by the locked majorities, directly or through others


class RankedPairs(Order):
    """Majorities by descending margin are locked unless they close a cycle; ranks are the depth.

    `tied_majorities`: where equal margins close a cycle among themselves nothing decides between
    them, so all of that cycle are dropped; `by_id` locks the lower id first, as OASST does. Only
    responses that every ranking names take part. A pair needs a locked path.
    """

    label: Literal["ranked_pairs"] = "ranked_pairs"
    aspect: str | None = None
    min_rankings: int = Field(default=3, ge=1)
    tied_majorities: Literal["drop", "by_id"] = "drop"

    def lists(self, judged: Judged, skipped: Counter[str]) -> Iterator[Scored]:
        for group in connected(of_aspect(judged.rankings, self.aspect)):
            if len(group) < self.min_rankings:
                skipped["too_few_rankings"] += 1
                continue
            ballots = on_common(group, skipped)
            if len(ballots[0]) < 2:
                skipped["too_few_ranked"] += 1
                continue
            found = consensus(ballots, by_id=self.tied_majorities == "by_id")
            skipped["majority_in_cycle"] += len(found.dropped)
            scores = {id: -float(rank) for id, rank in found.ranks.items()}
            yield Scored(scores, ballots, found.beats)


def majorities(ballots: Sequence[Mapping[str, float]]) -> list[Majority]:
    """Strict majorities, widest first, then by ids. A ballot that ties two is for neither."""
    found: list[Majority] = []
    for a, b in combinations(sorted(ballots[0]), 2):
        margin = sum((ballot[a] > ballot[b]) - (ballot[a] < ballot[b]) for ballot in ballots)
        if margin:
            found.append(Majority(a, b, margin) if margin > 0 else Majority(b, a, -margin))
    return sorted(found, key=lambda one: (-one.margin, one.winner, one.loser))


def consensus(ballots: Sequence[Mapping[str, float]], *, by_id: bool = False) -> Consensus:
    """`ballots` score the same responses, higher = better."""
    below: dict[str, set[str]] = {id: set() for id in ballots[0]}  # reachable by locks
    locked: list[Majority] = []
    dropped: list[Majority] = []
    for _, group in groupby(majorities(ballots), key=lambda one: one.margin):
        equal = list(group)
        batches = [[one] for one in equal] if by_id else [equal]
        for batch in batches:
            ahead = {id: set(reached) for id, reached in below.items()}
            close(ahead, batch)
            for one in batch:
                if one.winner in ahead[one.loser]:
                    dropped.append(one)
                else:
                    locked.append(one)
            close(below, [one for one in batch if one.winner not in ahead[one.loser]])
    return Consensus(locked, dropped, depths(below), closure_pairs(below))


def close(below: dict[str, set[str]], edges: Iterable[Majority]) -> None:
    """Add edges to a transitive closure, in place."""
    for winner, loser, _ in edges:
        reached = {loser, *below[loser]}
        for upper in [id for id, known in below.items() if id == winner or winner in known]:
            below[upper] |= reached


def depths(below: Mapping[str, set[str]]) -> dict[str, int]:
    """Rank of each response: the length of the longest chain of locks above it."""
    ranks: dict[str, int] = {}
    for id in sorted(below, key=lambda id: (-len(below[id]), id)):
        above = [ranks[upper] for upper in ranks if id in below[upper]]
        ranks[id] = max(above, default=-1) + 1
    return ranks


def closure_pairs(below: Mapping[str, set[str]]) -> frozenset[tuple[str, str]]:
    return frozenset((a, b) for a, reached in below.items() for b in reached)
