"""What an audit reads: pairs of responses, every judgment of them, and what is verified."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.consensus.votes import Anchors, Votes
from curation.items import Floats

UNKNOWN, BOTH_BAD = -1, 3  # labels beside A, B and TIE


class Voice(NamedTuple):
    """Who speaks, of what (None: overall), and how: comparison, ranking, rating or score."""

    person: str
    aspect: str | None
    protocol: str


@dataclass(frozen=True)
class Questions:
    """n pairs of responses, a and b as the input named them first.

    `labels` (n,): A, B, TIE or BOTH_BAD, the majority of what was said; `n_labels` (n,) on how many
    it stands. `a`, `b` (n,) number the responses, `prompts` (n,) the records. `truth` (n,): A or B
    where the answer is verified, else UNKNOWN; it is no vote. `compared` (n,): the pair was
    judged by itself, not read off a ranking or ratings. `texts`: prompt, a and b of each, or
    None where they are no texts. `scores`: name -> (n, 2) of a and b as they came with the input,
    NaN where one is missing, `logps` and `ref_logps` among them. `topics`: of each, "" unknown, or
    None where the input names none. `grounds`: `sources` and `reference`, texts of the record that
    a response can be held against, "" where it has none; neither where no record has any.
    """

    labels: NDArray[np.int64]
    n_labels: NDArray[np.int64]
    prompts: NDArray[np.int64]
    a: NDArray[np.int64]
    b: NDArray[np.int64]
    truth: NDArray[np.int64]
    votes: "Ballots"
    compared: NDArray[np.bool_]
    texts: Sequence[tuple[str, str, str]] | None = None
    scores: Mapping[str, Floats] = field(default_factory=dict[str, Floats])
    topics: Sequence[str] | None = None
    grounds: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def decided(self) -> NDArray[np.bool_]:
        return self.labels <= 1


@dataclass(frozen=True)
class Ballots:
    """Judgments, one a row: `votes`, and what they carry. `first` (m,): +1 where a was shown first,
    −1 where b was, 0 unknown. `names` of the annotators; `kinds`: human, model, rule, score or
    unnamed. An annotator that rates and compares is two; `voices` tells what they are of."""

    votes: Votes
    first: Floats
    names: Sequence[str]
    kinds: Sequence[str]
    strength: Floats = field(default_factory=lambda: np.zeros(0))
    voices: Sequence[Voice] = ()


def draw_anchors(truth: NDArray[np.int64], wanted: int | None, seed: int) -> Anchors:
    """The verified answers that a model may see: all (None), or `wanted` random ones."""
    known = np.flatnonzero(truth != UNKNOWN)
    if wanted is not None and wanted < len(known):
        known = np.sort(np.random.default_rng(seed).choice(known, wanted, replace=False))
    return Anchors(known, truth[known] == 0)
