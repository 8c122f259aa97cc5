"""A04 and S14: whether who rates and compares says the same, and who says it in both orders."""

from dataclasses import dataclass

import numpy as np

from curation.audit.extra_signals import swapped_verdicts
from curation.audit.questions import Questions, Voice
from curation.audit.ratings import Ratings
from curation.consensus.votes import TIE, A
from curation.items import Floats
from curation.structure.protocols import consistency

LEAST = 20


@dataclass(frozen=True)
class Protocols:
    """What `rater`'s ratings imply against what `judge` said, comparison by comparison. `table`:
    rows by ratings, columns by comparison, each a, b, equal. `different`: 1 − share that is the
    same, ties counted; `different_decided` where both decide. On `votes`."""

    rater: str
    judge: str
    votes: int
    different: float
    different_decided: float
    table: list[list[int]]


def protocols(questions: Questions, ratings: Ratings) -> list[Protocols]:
    """Of each rater with each judge of the same stem (the name before its first "/"), on at least
    20 comparisons; the values may stand on other lines, with the same texts."""
    ballots = questions.votes
    votes = ballots.votes
    found: list[Protocols] = []
    responses = int(max(questions.a.max(initial=-1), questions.b.max(initial=-1))) + 1
    for name, values in values_of(ratings, responses):
        for judge, voice in enumerate(ballots.voices):
            if voice.protocol == "rating" or stem(voice) != name.split("/")[0]:
                continue
            rows = votes.annotators == judge
            items, said = votes.items[rows], votes.said[rows]
            a, b = values[questions.a[items]], values[questions.b[items]]
            both = np.isfinite(a) & np.isfinite(b)
            if both.sum() < LEAST:
                continue
            each = consistency(a[both], b[both], said[both])
            found.append(
                Protocols(
                    name, ballots.names[judge], each.rows, 1 - each.consistent,
                    1 - each.consistent_decided, each.table.tolist(),
                )
            )  # fmt: skip
    return sorted(found, key=lambda each: (each.rater, each.judge))


def stem(voice: Voice) -> str:
    return voice.person.split("/")[0]


def values_of(ratings: Ratings, size: int) -> list[tuple[str, Floats]]:
    """Each rater's and aspect's value by number of response, NaN without; of several the first."""
    found: list[tuple[str, Floats]] = []
    cells = ratings.raters * len(ratings.aspect_names) + ratings.aspects
    for cell in np.unique(cells[ratings.responses >= 0]).tolist():
        rows = (cells == cell) & (ratings.responses >= 0)
        rater, aspect = divmod(int(cell), len(ratings.aspect_names))
        at = ratings.responses[rows]
        known = np.full(size, np.nan)
        known[at[::-1]] = ratings.values[rows][::-1]
        about = ratings.aspect_names[aspect]
        name = ratings.rater_names[rater]
        found.append((f"{name} / {about}" if about else name, known))
    return found


@dataclass(frozen=True)
class Swapped:
    """Of a judge that saw `pairs` both ways round: the share it answered alike, how often it takes
    the first one shown, and how right it is where it was consistent, by the posterior."""

    judge: str
    pairs: int
    consistent: float
    first: float
    right_when_consistent: float | None


def swapped(questions: Questions, p_a: Floats) -> list[Swapped]:
    """The most consistent first; judges of fewer than 20 such pairs are left out."""
    items, verdicts = swapped_verdicts(questions)
    ballots = questions.votes
    votes, first = ballots.votes, ballots.first
    shown = (votes.said != TIE) & (first != 0)
    took = (votes.said == A) == (first > 0)
    found: list[Swapped] = []
    for judge in np.unique(verdicts.annotators).tolist():
        rows = verdicts.annotators == judge
        if rows.sum() < LEAST:
            continue
        said, where = verdicts.said[rows], items[rows]
        decided = said != TIE
        right = np.where(said == A, p_a[where], 1 - p_a[where])[decided]
        mine = shown & (votes.annotators == judge)
        found.append(
            Swapped(
                ballots.names[int(judge)], int(rows.sum()), float(verdicts.consistent[rows].mean()),
                float(took[mine].mean()) if mine.any() else float("nan"),
                float(right.mean()) if len(right) else None,
            )
        )  # fmt: skip
    return sorted(found, key=lambda each: (-each.consistent, each.judge))
