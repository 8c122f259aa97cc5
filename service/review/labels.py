"""Labels as somebody wants to read them: as given, as consensus, or denoised. An overlay."""

import uuid
from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from sqlalchemy.orm import Session

from curation.audit.questions import BOTH_BAD
from curation.consensus.votes import TIE, A, B
from service.review.current import Review, review_of
from service.review.verdicts import in_force, placed
from service.tables.pairs import Pair

LabelsOf: TypeAlias = Literal["raw", "consensus", "denoised"]
Says: TypeAlias = Literal["chosen", "tie", "both_bad", "drop"]
By: TypeAlias = Literal["raw", "consensus", "audit", "verdict"]
LEFT_OUT = ("drop", "both_bad")


class PairLabel(NamedTuple):
    """`flipped`: what was rejected is chosen now. `p_chosen` P(what is chosen now is better), 0.5
    to 1; None where nothing but the raw label speaks. `by` whom it is."""

    says: Says = "chosen"
    flipped: bool = False
    p_chosen: float | None = None
    by: By = "raw"

    @property
    def left_out(self) -> bool:
        return self.says in LEFT_OUT

    @property
    def is_raw(self) -> bool:
        return self == RAW


RAW = PairLabel()


class Labels:
    """What an audit, and the verdicts at a version, make of the labels of pairs."""

    def __init__(self, review: Review, of: LabelsOf) -> None:
        self.review, self.whose = review, of
        self.both_bad = rejected_by_all(review)
        self.settled = {int(row) for row in review.now.settled}

    def of_pair(self, pair: Pair) -> PairLabel:
        return self.of(pair.upload_id, pair.line, pair.prompt_id, pair.chosen_id, pair.rejected_id)

    def of(
        self,
        upload: uuid.UUID,
        line: int,
        prompt: uuid.UUID,
        chosen: uuid.UUID,
        rejected: uuid.UUID,
    ) -> PairLabel:
        """A pair that the audit did not read keeps its label."""
        found = self.review.state.find(upload, line, prompt, chosen, rejected)
        if found is None:
            return RAW
        row, chosen_is_b = found
        side = B if chosen_is_b else A
        return self.consensus(row, side) if self.whose == "consensus" else self.denoised(row, side)

    def consensus(self, row: int, side: int) -> PairLabel:
        """By the votes, each weighted by what the audit found its voter worth."""
        label, p_a = self.review.state.questions.labels[row], self.review.state.by_votes[row]
        if label == BOTH_BAD:
            return PairLabel("both_bad", by="consensus")
        if label == TIE or p_a == 0.5:
            return PairLabel("tie", p_chosen=0.5, by="consensus")
        p_side = float(p_a if side == A else 1 - p_a)
        return PairLabel("chosen", p_side < 0.5, max(p_side, 1 - p_side), "consensus")

    def denoised(self, row: int, side: int) -> PairLabel:
        """By a human's verdict, else by what the audit said to do."""
        state = self.review.state
        if row in self.settled:
            return self.verdict(row, side)
        action, label = str(state.actions[row]), int(state.questions.labels[row])
        if action == "drop":
            return PairLabel("drop", by="audit")
        if action == "flip" and label == side:
            return PairLabel("chosen", True, 1.0, "audit")
        if action == "soften":
            p_side = float(state.p_a[row] if side == A else 1 - state.p_a[row])
            return PairLabel("chosen", p_chosen=max(p_side, 0.5), by="audit")
        return RAW

    def verdict(self, row: int, side: int) -> PairLabel:
        said = int(self.review.now.questions.labels[row])
        if said == TIE:
            says: Says = "both_bad" if row in self.both_bad else "tie"
            return PairLabel(says, p_chosen=None if says == "both_bad" else 0.5, by="verdict")
        return PairLabel("chosen", said != side, 1.0, "verdict")


def rejected_by_all(review: Review) -> set[int]:
    """Rows of which every author's last word is that neither answer will do."""
    words: dict[int, dict[str | None, str]] = {}
    for verdict in in_force(review.verdicts):
        if (found := placed(review.state, verdict)) is not None:
            words.setdefault(found[0], {})[verdict.author] = found[1]
    same = twins(review, words)
    return {row for of, rows in same.items() if set(words[of].values()) == {"both_bad"}
            for row in rows}  # fmt: skip


def twins(review: Review, rows: Iterable[int]) -> dict[int, list[int]]:
    """The settled rows that ask the same question as each of these, itself among them."""
    questions = review.state.questions
    low, high = np.minimum(questions.a, questions.b), np.maximum(questions.a, questions.b)
    settled = review.now.settled
    return {
        row: settled[
            (questions.prompts[settled] == questions.prompts[row])
            & (low[settled] == low[row])
            & (high[settled] == high[row])
        ].tolist()
        for row in rows
    }


def labels_of(
    session: Session,
    dataset_id: uuid.UUID,
    of: LabelsOf,
    version: int | None = None,
    audit_id: uuid.UUID | None = None,
) -> Labels | None:
    """None for the raw ones. Raises as `review_of` does."""
    if of == "raw":
        return None
    return Labels(review_of(session, dataset_id, audit_id, version), of)


def tally(labels: Iterable[PairLabel]) -> dict[str, int]:
    """How many pairs were flipped, softened, tied, dropped, both bad; without zeros."""
    counts: Counter[str] = Counter()
    for label in labels:
        if label.says != "chosen":
            counts[label.says] += 1
        elif label.flipped:
            counts["flip"] += 1
        elif label.by == "audit":
            counts["soften"] += 1
    return dict(sorted(counts.items()))
