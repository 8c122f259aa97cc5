"""What is known about the responses of one prompt: the labels that pairs are built from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

Outcome: TypeAlias = Literal["a", "b", "tie", "both_bad"]


class Candidate(NamedTuple):
    """A response. `content` is equal for two that say the same; `scores` came with it."""

    content: object
    model: str | None = None
    scores: Mapping[str, float] = {}


class Vote(NamedTuple):
    """One judgment of two responses; `strength` says how much better, >= 0."""

    a: str
    b: str
    outcome: Outcome
    annotator: str | None = None
    aspect: str | None = None
    strength: float | None = None


class Rated(NamedTuple):
    """One value for one response. A thumb is 0 or 1 on the scale (0, 1)."""

    response: str
    value: float
    annotator: str | None = None
    aspect: str | None = None
    scale: tuple[float, float] | None = None


class Ranked(NamedTuple):
    """Tiers of response ids, best first; it need not name every response."""

    tiers: Sequence[Sequence[str]]
    annotator: str | None = None
    aspect: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A prompt's responses by id and everything that was said about them.

    `better` and `worse` are the verified (gold) answers, one (better, worse) a record: they are
    no votes.
    """

    prompt_id: str
    candidates: Mapping[str, Candidate]
    votes: Sequence[Vote] = ()
    ratings: Sequence[Rated] = ()
    rankings: Sequence[Ranked] = ()
    gold: Sequence[tuple[Sequence[str], Sequence[str]]] = field(default=())
