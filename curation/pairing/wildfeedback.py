"""WildFeedback (arXiv 2408.15549) without a language model: pairs out of what users say."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field, model_validator

from curation.feedback.caps import capped, leaders
from curation.feedback.conversations import Conversation, Said, judgments, text_of
from curation.feedback.corrections import (
    Correction,
    Reading,
    Way,
    corrections,
    verdicts,
)
from curation.feedback.rubric import SIDES, Side, classes, sentences
from curation.items import Floats, Texts
from curation.pairing.labels import Judged
from curation.pairing.policy import Built, PairPolicy
from curation.signals.embedding import Embedding

CALIBRATES = 50  # labels of answers from which on they calibrate the reading


class Span(NamedTuple):
    """Where in a turn its judgment stands, [start, end) in characters."""

    turn: int
    start: int
    end: int
    text: str
    classes: list[str]
    probability: float


class Found(NamedTuple):
    """A pair with what it rests on."""

    correction: Correction
    feedback: Span
    satisfied: Span | None

    @property
    def soft_label(self) -> float:
        """P(chosen is better): a coin where one of the two turns is misread."""
        return 0.5 + self.correction.confidence / 2


class Read(NamedTuple):
    """All pairs; reasons against others; what was counted on the way."""

    pairs: list[Found]
    skipped: Counter[str]
    measured: dict[str, float]


class WildFeedback(PairPolicy):
    """The answer that a user rejects against one that a user is content with (C04, S13).

    Reads conversations, not labels: a light classifier over vectors and a rubric finds the user's
    turns that judge the answer before them. The paper's better answer is written by a language
    model; here it is one of the same conversation. Labels of single answers (thumbs, ratings),
    where there are 50 or more, calibrate the probabilities.
    """

    soft_ties: ClassVar[bool] = False
    reads_conversations: ClassVar[bool] = True

    kind: Literal["wildfeedback"] = "wildfeedback"
    chosen: tuple[Way, ...] = Field(default=("later", "same_prompt"), min_length=1)
    least_probability: float = Field(default=0.5, ge=0.5, le=1)
    within: int = Field(default=4, ge=1, le=100, description="answers after the complaint")
    per_user: int | None = Field(default=20, ge=1)
    per_cluster: int | None = Field(default=10, ge=1)
    cluster_cosine: float = Field(default=0.8, gt=0, le=1, description="of requests of one cluster")
    embedder: Embedding = Field(default_factory=Embedding)

    @model_validator(mode="after")
    def means_what_it_says(self) -> "WildFeedback":
        if self.min_gap or self.cross_model_only or self.cap_per_prompt is not None:
            raise ValueError("its pairs have no margin and no model: cap by user and cluster")
        return self

    def build(self, judged: Judged) -> Built:
        raise TypeError(f"{self.name()} reads conversations: {judged.prompt_id} does not tell")

    def read(self, conversations: Callable[[], Iterable[Conversation]]) -> Read:
        """All pairs, the surest first. Goes through the conversations twice."""
        said = distinct(conversations())
        probabilities, labelled = self.probabilities(said)
        found = verdicts(said, probabilities, self.least_probability)
        skipped = Counter(found.dropped)
        pairs = corrections(conversations(), found, self.chosen, self.within, skipped)
        pairs = capped(pairs, self.clusters(pairs), self.per_user, self.per_cluster, skipped)
        measured: dict[str, float] = {
            "user_turns": len(said),
            "satisfied": int((probabilities[:, 0] >= self.least_probability).sum()),
            "dissatisfied": int((probabilities[:, 1] >= self.least_probability).sum()),
            "labels_that_calibrate": labelled,
            "pairs_with_user": sum(one.conversation.user is not None for one in pairs),
            **{f"chosen_{way}": sum(one.way == way for one in pairs) for way in self.chosen},
        }
        return Read(self.with_spans(pairs), skipped, measured)

    def probabilities(self, said: Sequence[Said]) -> tuple[Floats, int]:
        """(n, 2), and how many labels calibrate them."""
        from curation.models.satisfaction import log_odds, recalibrated

        if not said:
            return np.zeros((0, 2)), 0
        scores = log_odds([one.text for one in said], self.embedder)
        rated = np.array([one.rated for one in said], np.float64)
        groups = [one.conversation for one in said]
        columns = (np.where(np.isnan(rated), np.nan, rated >= 0.75),
                   np.where(np.isnan(rated), np.nan, rated <= 0.25))  # fmt: skip
        sides = [
            recalibrated(scores[:, side], labels, groups, CALIBRATES)
            for side, labels in enumerate(columns)
        ]
        if any(side is None for side in sides):
            return 1 / (1 + np.exp(-scores)), 0
        return np.stack([side for side in sides if side is not None], axis=1), int(
            np.isfinite(rated).sum()
        )

    def clusters(self, found: Sequence[Correction]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        """Of the requests that the rejected answers were for."""
        texts = [text_of(one.prompt[-1]) or "" for one in found]
        ids = [str(row) for row in range(len(texts))]
        if not texts:
            return np.zeros(0, np.int64)
        vectors = self.embedder.score(Texts(ids, [""] * len(texts), texts)).vectors
        assert vectors is not None
        return leaders(vectors, self.cluster_cosine)

    def with_spans(self, found: Sequence[Correction]) -> list[Found]:
        complaints = self.spans([one.complaint for one in found], "dsat")
        praises = [one.praise for one in found if one.praise is not None]
        satisfied = iter(self.spans(praises, "sat"))
        return [
            Found(one, span, next(satisfied) if one.praise is not None else None)
            for one, span in zip(found, complaints, strict=True)
        ]

    def spans(self, readings: Sequence[Reading], side: Side) -> list[Span]:
        """The sentence of each turn that says it most."""
        from curation.models.satisfaction import log_odds

        places = [
            (row, span)
            for row, reading in enumerate(readings)
            for span in sentences(reading.said.text)
        ]
        if not places:
            return []
        texts = [readings[row].said.text[start:end] for row, (start, end) in places]
        scores = log_odds(texts, self.embedder)[:, SIDES.index(side)]
        best: dict[int, int] = {}
        for at, (row, _) in enumerate(places):
            if row not in best or scores[at] > scores[best[row]]:
                best[row] = at
        return [
            self.span(readings[row], side, places[best[row]][1]) for row in range(len(readings))
        ]

    def span(self, reading: Reading, side: Side, place: tuple[int, int]) -> Span:
        start, end = place
        text = reading.said.text[start:end]
        p = reading.sat if side == "sat" else reading.dsat
        return Span(reading.said.turn, start, end, text, classes(text, side), round(p, 6))


def distinct(conversations: Iterable[Conversation]) -> list[Said]:
    """Each judging turn once, however many files and branches hold it; a label is never lost."""
    found: dict[bytes, Said] = {}
    for conversation in conversations:
        for one in judgments(conversation):
            if one.key not in found or found[one.key].rated is None:
                found[one.key] = one
    return list(found.values())
