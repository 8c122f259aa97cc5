"""Records as the rows of any data format: what `prefsift convert --to` writes, from the store."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import pyarrow as pa

from service.export.layout import RecordLayout, Row, TrainingRecord
from service.formats import FORMATS, Format
from service.trainers.whole_records import NativeRecord

PREFIX = "format:"


class FormatRows(NativeRecord):
    """JSON lines. A record that the format can't say wholly is refused, label by label."""

    layout: ClassVar[Format] = FORMATS["native"]

    def features(self) -> Any:
        return pa.schema([(name, pa.string()) for name in self.layout.columns])

    def rows(self, records: Iterable[TrainingRecord]) -> Iterator[Row]:
        for each in records:
            for row in self.layout.write(each.record):
                yield Row(row, each.origin)


def rows_of(found: Format, name: str) -> type[RecordLayout]:
    about = {"name": name, "description": found.description, "layout": found}
    about["read_by"] = found.name
    return type(f"Rows of {found.name}", (FormatRows,), {**about, "__annotations__": {}})


def record_layouts(known: Iterable[str]) -> dict[str, type[RecordLayout]]:
    """One for each format, by its name; with `format:` before it where a trainer's has the name."""
    taken = {*known}
    names = {name: PREFIX + name if name in taken else name for name in FORMATS}
    return {names[name]: rows_of(found, names[name]) for name, found in FORMATS.items()}
