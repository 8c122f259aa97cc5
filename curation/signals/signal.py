"""What a scoring signal is: a request, a row and code at once."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from curation.items import Floats, Pairs, Prompts, Texts, View

OK = "ok"


class Level(StrEnum):
    """What one cell of a signal belongs to."""

    text = "text"
    prompt = "prompt"
    pair = "pair"


class Output(NamedTuple):
    """A named number that a signal gives. `direction` says what a high value means."""

    name: str
    low: float
    high: float
    unit: str
    direction: str


@dataclass(frozen=True, slots=True)
class Column:
    """n cells: `values[i]` is finite where `status[i]` is "ok", and NaN elsewhere."""

    values: Floats
    status: NDArray[np.str_]

    @classmethod
    def of(cls, values: Floats, missing: str = "not_computable") -> "Column":
        """A column whose non-finite values are missing for the given reason."""
        values = np.asarray(values, np.float64)
        finite = np.isfinite(values)
        return cls(np.where(finite, values, np.nan), np.where(finite, OK, missing).astype(np.str_))

    @classmethod
    def missing(cls, n: int, status: str) -> "Column":
        return cls(np.full(n, np.nan), np.full(n, status))


@dataclass(frozen=True, slots=True)
class Scores:
    """A signal's cells, a column an output; `vectors` (n, d) only from the embedding signal."""

    columns: Mapping[str, Column]
    vectors: Floats | None = None


@dataclass(frozen=True, slots=True)
class Fit:
    """What a whole-dataset signal learnt: arrays (its artifact) and measured numbers."""

    arrays: Mapping[str, NDArray[Any]]
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])


Items: TypeAlias = Texts | Prompts | Pairs


class Signal(BaseModel, ABC):
    """Numbers per item. Fields are parameters; the JSON form is the job's specification."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: ClassVar[int] = 1
    level: ClassVar[Level] = Level.pair
    outputs: ClassVar[tuple[Output, ...]]
    views: ClassVar[tuple[View, ...]] = ()  # vectors that must be there before it runs
    reads_texts: ClassVar[bool] = True  # else it scores pairs of images, too
    facts: ClassVar[tuple[str, ...]] = ()  # of `Pairs.facts`; such a signal needs a fit, too
    whole_dataset: ClassVar[bool] = False  # scores depend on the other rows: needs a fit

    @abstractmethod
    def score(self, items: Any, fit: Fit | None = None) -> Scores:
        """One column per output, in the items' order; the batching must not matter.

        A whole-dataset signal needs the `fit`; items that the fit has not seen are scored too.
        """

    def fit(self, items: Any) -> Fit:
        """Learn from the whole dataset. Only signals with `whole_dataset` have it."""
        raise TypeError(f"{type(self).__name__} scores each row by itself and has no fit")

    def identity(self) -> str:
        """sha256 of kind, code version and every parameter: the key of its score cells."""
        body = {"version": self.version, **self.model_dump(mode="json")}
        for name in self.execution_fields():
            body.pop(name, None)
        for name, value in self:
            if isinstance(value, Signal):  # its version counts, its device does not
                body[name] = value.identity()
        return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()

    @classmethod
    def execution_fields(cls) -> tuple[str, ...]:
        """Parameters that say where to compute, not what: the same score either way."""
        return ("device",) if "device" in cls.model_fields else ()
