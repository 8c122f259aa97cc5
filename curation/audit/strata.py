"""A01 by aspect and by topic: an annotator can be good at one and bad at another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.audit.annotators import FEW, interval
from curation.audit.questions import Questions
from curation.consensus.votes import TIE, A
from curation.items import Floats

SHOWN_TOPICS = 12  # the commonest; the others are one more


@dataclass(frozen=True)
class Stratum:
    """Of one annotator in one topic or of one aspect: decided votes, and P(one is right) by the
    posterior of the pairs, [low, high] 95 %. None, with `why`, on fewer than 20 votes."""

    annotator: str
    of: str
    votes: int
    reliability: float | None
    low: float | None
    high: float | None
    why: str | None = None


def by_topic(questions: Questions, p_a: Floats, topics: Sequence[str]) -> list[Stratum]:
    """`topics` (n,) of the pairs; "" is no topic. By voter, then topic."""
    common = commonest([topic for topic in topics if topic])
    names = [*common, "other"]
    at = {name: number for number, name in enumerate(common)}
    of = np.array([at.get(topic, len(common)) if topic else -1 for topic in topics], np.int64)
    ballots = questions.votes
    votes = ballots.votes
    return tallied(
        votes.annotators, of[votes.items], list(ballots.names), names, right(questions, p_a)
    )


def by_aspect(questions: Questions, p_a: Floats) -> list[Stratum]:
    """Of the people whose votes name aspects; what they said of a pair overall is one, too."""
    ballots = questions.votes
    spoken = {voice.person for voice in ballots.voices if voice.aspect}
    people = sorted(spoken)
    aspects = sorted({voice.aspect or "(overall)" for voice in ballots.voices})
    who = np.array(
        [people.index(v.person) if v.person in spoken else -1 for v in ballots.voices], np.int64
    )
    of = np.array([aspects.index(v.aspect or "(overall)") for v in ballots.voices], np.int64)
    if not people:
        return []
    voters = ballots.votes.annotators
    return tallied(who[voters], of[voters], people, aspects, right(questions, p_a))


def right(questions: Questions, p_a: Floats) -> Floats:
    """(votes,): P(the vote is right), NaN for ties."""
    votes = questions.votes.votes
    p = p_a[votes.items]
    return np.where(votes.said == TIE, np.nan, np.where(votes.said == A, p, 1 - p))


def tallied(
    who: NDArray[np.int64],
    of: NDArray[np.int64],
    people: Sequence[str],
    names: Sequence[str],
    right: Floats,
) -> list[Stratum]:
    used = np.isfinite(right) & (who >= 0) & (of >= 0)
    cell = who[used] * len(names) + of[used]
    size = len(people) * len(names)
    count, total = np.bincount(cell, minlength=size), np.bincount(cell, right[used], size)
    return [
        one(people[at // len(names)], names[at % len(names)], int(count[at]), float(total[at]))
        for at in np.flatnonzero(count).tolist()
    ]


def one(annotator: str, of: str, votes: int, right: float) -> Stratum:
    if votes < FEW:
        return Stratum(annotator, of, votes, None, None, None, f"too few labels: {votes}")
    return Stratum(annotator, of, votes, *interval(right, votes))


def commonest(topics: Sequence[str]) -> list[str]:
    names, counts = np.unique(np.array(topics, object).astype(str), return_counts=True)
    return [str(names[at]) for at in np.lexsort((names, -counts))[:SHOWN_TOPICS]]
