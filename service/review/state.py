"""What an audit leaves for its review: numbers and ids, no texts, and no names but of models."""

import io
import uuid
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.audit.content import Content
from curation.audit.questions import Ballots, Questions
from curation.consensus.votes import Anchors, Votes
from curation.items import Floats
from curation.review.hybrid import MODELS
from curation.review.lexical import leans, measures
from service import files
from service.ingest.identity import content_id
from service.review.places import Places

if TYPE_CHECKING:  # it loads models
    from service.audit.report import Findings

NAME = "review.npz"
Ids = NDArray[np.uint8]  # (n, 16)
# The same line twice, and the same two responses either way round, are told apart by nothing else.
LineKey = tuple[bytes, int, bytes, bytes]
QuestionKey = tuple[bytes, bytes, bytes]


class Lexical(NamedTuple):
    """(n, d) each, see `curation.review.lexical` and `curation.models.surroundings`."""

    measures: Floats
    leans: Floats
    surroundings: Floats


@dataclass(frozen=True)
class State:
    """(n,) each, in the order of the audit's pairs. `p_a` P(a better) and `by_votes` the same
    without witnesses, as the audit found them; `actions` and `witnesses` (joined by commas).
    `lexical` is None where the responses are no texts, and of audits of before it."""

    questions: Questions
    content: Content
    anchors: Anchors
    p_a: Floats
    by_votes: Floats
    reliability: Floats
    method: str
    ridge: float | None
    actions: NDArray[np.str_]
    witnesses: NDArray[np.str_]
    uploads: Ids
    lines: NDArray[np.int64]
    prompts: Ids
    a: Ids
    b: Ids
    lexical: "Lexical | None" = None

    def __len__(self) -> int:
        return len(self.lines)

    def key(self, row: int) -> LineKey:
        a, b = self.a[row].tobytes(), self.b[row].tobytes()
        return (self.uploads[row].tobytes(), int(self.lines[row]), min(a, b), max(a, b))

    def question(self, row: int) -> QuestionKey:
        _, _, low, high = self.key(row)
        return (self.prompts[row].tobytes(), low, high)

    @cached_property
    def ids(self) -> dict[uuid.UUID, int]:
        """Rows by the ids that the review calls them by."""
        return {self.id(row): row for row in range(len(self) - 1, -1, -1)}

    def id(self, row: int) -> uuid.UUID:
        upload, line, low, high = self.key(row)
        found = content_id(b"review", upload, line.to_bytes(8, "big"), low, high)
        return uuid.UUID(bytes=found)

    @cached_property
    def rows(self) -> dict[LineKey, int]:
        """The first row of each pair of a line."""
        return {self.key(row): row for row in range(len(self) - 1, -1, -1)}

    @cached_property
    def asked(self) -> dict[QuestionKey, int]:
        """The first row of each question, on whichever line."""
        return {self.question(row): row for row in range(len(self) - 1, -1, -1)}

    def find(
        self, upload: uuid.UUID, line: int, prompt: uuid.UUID, one: uuid.UUID, other: uuid.UUID
    ) -> tuple[int, bool] | None:
        """Row of the pair on its line, else of the same question; and whether `one` is its b."""
        low, high = min(one.bytes, other.bytes), max(one.bytes, other.bytes)
        row = self.rows.get((upload.bytes, line, low, high))
        if row is None:
            row = self.asked.get((prompt.bytes, low, high))
        return None if row is None else (row, self.a[row].tobytes() != one.bytes)


def dump(found: "Findings", places: Places) -> bytes:
    """The same bytes for the same findings."""
    questions, content, posterior = found.questions, found.content, found.assessment.posterior
    ballots, ruling = questions.votes, found.assessment.ruling
    arrays = {
        "labels": questions.labels, "n_labels": questions.n_labels,
        "prompt": questions.prompts, "end_a": questions.a, "end_b": questions.b,
        "truth": questions.truth, "compared": questions.compared,
        "items": ballots.votes.items, "annotators": ballots.votes.annotators,
        "said": ballots.votes.said, "n_annotators": np.array(ballots.votes.n_annotators),
        "content": content.p_correct, "accuracy": np.array(content.accuracy),
        "why": np.array(content.why or ""),
        "anchors": found.anchors.items, "a_better": found.anchors.a_better,
        "p_a": posterior.p_a, "by_votes": posterior.by_votes,
        "reliability": posterior.reliability, "method": np.array(posterior.method),
        "ridge": np.array(np.nan if posterior.ridge is None else posterior.ridge),
        "actions": ruling.actions, "witnesses": np.array([",".join(w) for w in ruling.witnesses]),
        "lines": np.array(places.lines, np.int64), "uploads": ids(places.uploads),
        "prompts": ids(places.prompts), "a": ids(places.a), "b": ids(places.b),
    }  # fmt: skip
    arrays |= named_models(ballots) | worded(questions)
    to = io.BytesIO()
    np.savez_compressed(to, allow_pickle=False, **arrays)
    return to.getvalue()


def named_models(ballots: Ballots) -> dict[str, NDArray[np.str_]]:
    """People are numbers here; models, which routing names, are not."""
    names = [
        name if kind in MODELS else ""
        for name, kind in zip(ballots.names, ballots.kinds, strict=True)
    ]
    return {"models": np.array(names, np.str_), "kinds": np.array(ballots.kinds, np.str_)}


def worded(questions: Questions) -> dict[str, Floats]:
    """What the texts of each pair are like; nothing where they are none."""
    if questions.texts is None:
        return {}
    from curation.models.surroundings import surroundings

    found = Lexical(
        measures(questions.texts), leans(questions.texts), surroundings(questions.texts)
    )
    return {name: values.astype(np.float16) for name, values in found._asdict().items()}


def ids(found: list[bytes]) -> Ids:
    return np.frombuffer(b"".join(found), np.uint8).reshape(-1, 16)


def read(content: bytes) -> State:
    with np.load(io.BytesIO(content), allow_pickle=False) as kept:
        of = {name: kept[name] for name in kept.files}
    n, nothing = len(of["lines"]), np.zeros(0)
    votes = Votes(of["items"], of["annotators"], of["said"], n, int(of["n_annotators"]))
    unnamed = np.array([""] * votes.n_annotators)
    models, kinds = (of.get(name, unnamed).tolist() for name in ("models", "kinds"))
    ballots = Ballots(votes, np.zeros(len(votes)), models, kinds)
    words = [of[name].astype(np.float64) for name in Lexical._fields if name in of]
    questions = Questions(
        of["labels"], of["n_labels"], of["prompt"], of["end_a"], of["end_b"], of["truth"], ballots,
        of["compared"],
    )  # fmt: skip
    why, ridge = str(of["why"]) or None, float(of["ridge"])
    return State(
        questions,
        Content(of["content"], nothing, nothing, float(of["accuracy"]), why=why),
        Anchors(of["anchors"], of["a_better"]),
        of["p_a"], of["by_votes"], of["reliability"], str(of["method"]),
        None if np.isnan(ridge) else ridge, of["actions"], of["witnesses"],
        of["uploads"], of["lines"], of["prompts"], of["a"], of["b"],
        Lexical(*words) if words else None,
    )  # fmt: skip


@lru_cache(maxsize=2)
def load(key: str) -> State:
    """Of a stored file; keys are by content."""
    with files.open(key) as file:
        return read(file.read())
