"""What a data layout is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from service.formats.record import Record, RowError


class Joined(NamedTuple):
    """Several rows as the one that they make; what is wrong with single ones, by their place."""

    row: dict[str, Any] | None
    errors: dict[int, RowError]


class Format(ABC):
    """Recognises a layout, reads its rows, writes records in it."""

    name: ClassVar[str]
    description: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]

    @abstractmethod
    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        """How surely these first rows have this layout, 0..1."""

    @abstractmethod
    def read(self, row: dict[str, Any]) -> Record:
        """The row as a record; RowError names the field that is wrong."""

    def read_all(self, row: dict[str, Any]) -> Sequence[Record]:
        """Every record of the row: several where it holds several prompts, as a tree does."""
        return (self.read(row),)

    def group(self, row: dict[str, Any]) -> str | None:
        """Names what the row is a part of; None where it stands for itself.

        Rows of one name that follow each other are joined before they are read.
        """
        del row  # in most layouts each stands for itself
        return None

    def join(self, rows: Sequence[dict[str, Any]]) -> Joined:
        """The rows of a group as one that `read_all` reads."""
        [row] = rows
        return Joined(row, {})

    @abstractmethod
    def write(self, record: Record) -> list[dict[str, Any]]:
        """As many rows as say every label of the record.

        RowError `not_expressible` where this layout can't say what the record holds.
        """
