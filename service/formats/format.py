"""What a data layout is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from service.formats.record import Record


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

    @abstractmethod
    def write(self, record: Record) -> dict[str, Any]:
        """The record as a row; RowError where this layout can't say what the record holds."""
