"""One line of preference data in memory: a prompt, its responses, and every label about them."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from msgspec import Struct

from service.tables.labels import Outcome

Message: TypeAlias = dict[str, Any]


class RowError(Exception):
    """A row that can't be taken: `code` for machines, the field where it is wrong, and why."""

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field


class Annotator(NamedTuple):
    name: str
    kind: str = "human"  # human | model | rule


class Response(Struct, frozen=True):
    """`text`, or `messages` where the answer has several turns, or the `uri` of a medium."""

    id: str  # the line's own name for it
    text: str | None = None
    messages: Sequence[Message] | None = None
    uri: str | None = None
    model: str | None = None
    scores: dict[str, float] | None = None

    def content(self) -> tuple[Any, ...]:
        """Equal for two responses that say the same."""
        return self.text, self.messages, self.uri


class Label(Struct, frozen=True):
    annotator: Annotator | None = None
    aspect: str | None = None
    rationale: str | None = None


class Comparison(Label, frozen=True):
    """`a` and `b` are response ids of the same record."""

    a: str = ""
    b: str = ""
    outcome: Outcome = Outcome.tie
    strength: float | None = None
    shown: str | None = None  # ab | ba


class Relabel(Comparison, frozen=True):
    """What is said of a pair over its labels, by a consensus, an audit or a verdict; signed by it.

    `p` = P(it is so), 0.5 to 1. `drop`: nothing is to be learnt from the pair.
    """

    p: float | None = None
    drop: bool = False


class Rating(Label, frozen=True):
    value: float = 0.0
    response: str | None = None
    turn: int | None = None
    scale: tuple[float, float] | None = None


class Ranking(Label, frozen=True):
    """Tiers of response ids, best first."""

    tiers: Sequence[Sequence[str]] = ()


class Feedback(Label, frozen=True):
    """`turn` indexes the prompt's messages."""

    turn: int = 0
    kind: str | None = None
    label: str | None = None
    text: str | None = None


class Record(Struct, frozen=True):
    messages: Sequence[Message]
    responses: Sequence[Response] = ()
    comparisons: Sequence[Comparison] = ()
    ratings: Sequence[Rating] = ()
    rankings: Sequence[Ranking] = ()
    feedback: Sequence[Feedback] = ()
    record_id: str | None = None
    modality: str = "text"
    gold: dict[str, Any] | None = None
    extra: dict[str, Any] = {}  # each record's own
    overlay: Sequence[Relabel] = ()  # over the labels, at most one a pair; never stored
