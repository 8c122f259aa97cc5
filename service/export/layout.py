"""What a trainer's layout is: the exact columns it reads, and the configuration that loads them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError

from service.errors import Invalid
from service.formats.record import Message, Record

FileKind: TypeAlias = Literal["parquet", "jsonl", "csv"]  # parquet in shards, others one a split
Origin: TypeAlias = Mapping[str, Any]  # where a row comes from; layouts hand it on unread


@dataclass(frozen=True, slots=True)
class TrainingPair:
    """A decided pair that is about to leave.

    `margin` is chosen minus rejected, higher = clearer; `weight` >= 0, 1 = counts once;
    `soft_label` = probability in 0..1 that chosen is the better one; None = not given.
    An answer that is an image has no messages with text, but a URI.
    """

    prompt: Sequence[Message]
    chosen: Sequence[Message]
    rejected: Sequence[Message]
    pair_id: str
    prompt_id: str
    margin: float | None = None
    weight: float = 1.0
    soft_label: float | None = None
    score_chosen: float | None = None
    score_rejected: float | None = None
    rejected_weight: float | None = None  # of the rejected answer as a row of its own; None = 1
    chosen_image: str | None = None
    rejected_image: str | None = None
    origin: Origin = field(default_factory=dict[str, Any])

    @property
    def is_of_images(self) -> bool:
        return self.chosen_image is not None or self.rejected_image is not None


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """A whole record that is about to leave, for the layouts that hold more than pairs."""

    record: Record
    prompt_id: str
    origin: Origin = field(default_factory=dict[str, Any])


class Row(NamedTuple):
    """`values` has exactly the columns of the layout, in their order."""

    values: dict[str, Any]
    origin: Origin


class Place(NamedTuple):
    """The data files beside which a configuration lies: paths in the folder, by split."""

    name: str  # of the data set: letters, digits, "-", "_"
    files: Mapping[str, Sequence[str]]  # {"train": ["data/train-00000-of-00001.parquet"], …}
    max_length: int | None = None  # tokens, where the user gave a limit


class TrainerLayout(BaseModel, ABC):
    """The fields are the layout's options: they come from a request and are checked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    description: ClassVar[str]
    file_kind: ClassVar[FileKind] = "parquet"
    takes_weight: ClassVar[bool] = False
    takes_margin: ClassVar[bool] = False
    takes_soft_label: ClassVar[bool] = False
    needs_scores: ClassVar[bool] = False  # of both answers; a pair without them is refused
    least_answer: ClassVar[int] = 1  # tokens of max_length that a prompt must leave
    holds_answers: ClassVar[bool] = True
    holds_images: ClassVar[bool] = False  # and no texts
    finds_answers_by_text: ClassVar[bool] = False  # in the rendered chat, which may trim them

    @classmethod
    def with_options(cls, name: str, options: Mapping[str, Any]) -> Self:
        """Raises Invalid `wrong_options`, with the options that there are."""
        try:
            return cls(**options)
        except ValidationError as error:
            wrong = (
                (".".join(map(str, each["loc"])), each["type"], each["msg"])
                for each in error.errors()
            )
            said = "; ".join(
                f"there is no {place!r}" if kind == "extra_forbidden" else f"{place}: {message}"
                for place, kind, message in wrong
            )
            there = ", ".join(cls.model_fields) or "none"
            detail = f"options of {name}: {said}; it has {there}"
            raise Invalid(detail, code="wrong_options") from None

    @abstractmethod
    def features(self) -> Any:
        """The pyarrow schema: exactly these columns are written, in this order.

        Files that are no Parquet take the names only.
        """

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.features().names)

    def config_files(self, place: Place) -> dict[str, bytes]:  # noqa: ARG002
        """What loads the data, by path in the folder; empty where no configuration is needed."""
        return {}


class PairLayout(TrainerLayout):
    """A layout of decided pairs."""

    @abstractmethod
    def rows(self, pairs: Iterable[TrainingPair]) -> Iterator[Row]:
        """Zero or more rows a pair, in their order, in constant memory but for ids.

        RowError `not_expressible` where the layout can't say what the pair holds.
        """


class RecordLayout(TrainerLayout):
    """A layout of whole records."""

    relabels: ClassVar[Literal["added", "decides"] | None] = None  # what other labels do to it
    trains: ClassVar[bool] = True  # else an empty answer is data, as any other
    read_by: ClassVar[str | None] = None  # the format that reads every label that its rows say

    @abstractmethod
    def rows(self, records: Iterable[TrainingRecord]) -> Iterator[Row]:
        """Zero or more rows a record; RowError as above."""

    def leaves_out(self, record: Record) -> dict[str, int]:
        """Labels of the record that can't be told from its rows, by kind; {} where each can.

        One that leaves as a part of a mean or of a share only can't be told.
        """
        told = self.tells(record)
        return counted({name: len(getattr(record, name)) - told.get(name, 0) for name in LABELS})

    def tells(self, record: Record) -> Mapping[str, int]:
        """How many of each kind can; here all of them, where it has a row."""
        if any(True for _ in self.rows([TrainingRecord(record, "")])):
            return {name: len(getattr(record, name)) for name in LABELS}
        return {}


LABELS = ("comparisons", "ratings", "rankings", "feedback")


def counted(found: Mapping[str, int]) -> dict[str, int]:
    """In the order of LABELS, without zeros."""
    return {name: found[name] for name in LABELS if found.get(name)}
