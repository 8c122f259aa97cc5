"""A05: what annotators do where the principles that they were given agree, and where they don't."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.audit.annotators import interval
from curation.audit.questions import Questions
from curation.consensus.votes import SIGN
from curation.structure.discretion import discretion

LEAST = 20


@dataclass(frozen=True)
class Decider:
    """An annotator's overall comparisons of pairs on which all principles that speak agree:
    `against`, the share that contradicts them, [low, high] 95 %."""

    name: str
    consensus: int
    against: float
    low: float
    high: float


@dataclass(frozen=True)
class Principles:
    """A principle is an aspect, and says what most judgments of it say. Shares of the decided
    pairs: all that speak agree, they conflict, none speaks. `arbitrariness`: share of those on
    which they agree whose label contradicts them. `supremacy` (principles, principles): the share
    of conflicts between two that the first won, NaN where they never met. Empty, with `why`."""

    names: list[str]
    pairs: int
    consensus: float
    conflict: float
    indifferent: float
    arbitrariness: float
    supremacy: list[list[float]]
    deciders: list[Decider]
    why: str | None = None


def principles(questions: Questions) -> Principles:
    """Where at least two aspects and an overall judgment are given, on at least 20 pairs."""
    ballots = questions.votes
    names = sorted({voice.aspect for voice in ballots.voices if voice.aspect})
    overall = np.array([voice.aspect is None for voice in ballots.voices], bool)
    votes = ballots.votes
    said_overall = np.zeros(len(questions), bool)
    if len(overall):
        said_overall[votes.items[overall[votes.annotators]]] = True
    if len(names) < 2:
        return refused("no principles are given: fewer than two aspects are judged")
    stances = stances_of(questions, names)
    rows = questions.decided & said_overall & stances.any(axis=1)
    if rows.sum() < LEAST:
        return refused(
            f"too few labels: {rows.sum()} pairs have principles and a label of their own"
        )
    label = np.where(questions.labels == 0, 1, -1)
    found = discretion(stances[rows], label[rows])
    return Principles(
        names, int(rows.sum()), float(found.consensus.mean()), float(found.conflict.mean()),
        float(found.indifferent.mean()), found.arbitrariness, found.supremacy.tolist(),
        deciders(questions, stances, overall),
    )  # fmt: skip


def refused(why: str) -> Principles:
    nan = float("nan")
    return Principles([], 0, nan, nan, nan, nan, [], [], why)


def stances_of(questions: Questions, names: list[str]) -> NDArray[np.int64]:
    """(n, principles): +1 for a, −1 for b, 0 silent or split."""
    votes = questions.votes.votes
    at = np.array([names.index(v.aspect) if v.aspect else -1 for v in questions.votes.voices])
    principle = at[votes.annotators]
    spoken = principle >= 0
    cell = votes.items[spoken] * len(names) + principle[spoken]
    size = len(questions) * len(names)
    balance = np.bincount(cell, SIGN[votes.said[spoken]], size)
    return np.sign(balance).astype(np.int64).reshape(-1, len(names))


def deciders(
    questions: Questions, stances: NDArray[np.int64], overall: NDArray[np.bool_]
) -> list[Decider]:
    """Of at least 20 such comparisons; the most obedient first."""
    ballots = questions.votes
    votes = ballots.votes
    for_a, for_b = (stances > 0).any(axis=1), (stances < 0).any(axis=1)
    agreed = np.where(for_a & ~for_b, 1.0, np.where(for_b & ~for_a, -1.0, 0.0))[votes.items]
    said = SIGN[votes.said]
    rows = (agreed != 0) & (said != 0) & overall[votes.annotators]
    found: list[Decider] = []
    for who in np.unique(votes.annotators[rows]).tolist():
        mine = rows & (votes.annotators == who)
        against = int((said[mine] != agreed[mine]).sum())
        if mine.sum() >= LEAST:
            share = interval(against, int(mine.sum()))
            found.append(Decider(ballots.names[int(who)], int(mine.sum()), *share))
    return sorted(found, key=lambda each: (each.against, each.name))
