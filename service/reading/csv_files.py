"""CSV and TSV -> rows of cells: quotes are strict, an empty cell is missing."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

from service.errors import Invalid
from service.formats.fields import Cell
from service.formats.record import RowError
from service.reading.json_lines import MAX_FIELDS, Row, lines, nul_field, replaced

DELIMITERS = ",\t;|"
SNIFFED = 20  # rows that the delimiter is found by
ALIKE = 0.6  # share of them that have as many cells as the first one
MAX_NAME = 64  # characters of a column's name
WORD = re.compile(r"[\w.-]*")
NUMBER = re.compile(r"[-+]?[\d.]+(?:e[-+]?\d+)?|nan|inf|true|false", re.IGNORECASE)

csv.field_size_limit(1 << 30)  # the module's; rows are limited below


def delimiter_of(head: bytes, *, whole: bool) -> str | None:
    """What separates the cells of a table with these first bytes; None where this is none."""
    text = head.decode("utf-8", "replace").removeprefix("\ufeff")
    if not whole:
        text = text[: text.rfind("\n") + 1]
    found = {each: columns for each in DELIMITERS if (columns := columns_by(text, each))}
    return max(found, key=lambda each: found[each], default=None)


def columns_by(text: str, delimiter: str) -> tuple[float, int] | None:
    """(share of rows alike, their cells), higher = likelier; None where there are no columns."""
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            if row:
                rows.append(row)
            if len(rows) >= SNIFFED:
                break
    except csv.Error:
        pass  # cut here, or a bad row: those before it tell
    cells = [len(row) for row in rows]
    if not cells or cells[0] < 2 or cells.count(cells[0]) < ALIKE * len(cells):
        return None
    if len(rows) == 1 and not all(WORD.fullmatch(name) for name in rows[0]):
        return None  # a sentence, and no header
    if not is_header(rows[0]) and any(row[0].startswith("{") for row in rows):
        return None  # JSONL with a damaged line
    return cells.count(cells[0]) / len(cells), cells[0]


def is_header(row: list[str]) -> bool:
    """Whether a first row names columns: short, distinct words, and no number among them."""
    return len(set(row)) == len(row) and all(
        len(name) <= MAX_NAME and "\n" not in name and not NUMBER.fullmatch(name.strip())
        for name in row
    )


class Source:
    """Lines for the csv module, and the bytes that it took for the row at hand."""

    def __init__(self, file: Any, max_line: int) -> None:
        self.lines, self.max_line = lines(file, max_line), max_line
        self.taken: list[bytes] = []
        self.length = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        _, raw = next(self.lines)
        self.length += self.max_line + 1 if raw is None else len(raw) + 1
        if raw is None or self.length > self.max_line + 1:
            raise RowError("line_too_long", f"the row is longer than {self.max_line} bytes")
        self.taken.append(raw)
        # A byte that is no UTF-8 is told apart below.
        return raw.decode("utf-8", "surrogateescape") + "\n"

    def row(self) -> bytes:
        raw, self.taken, self.length = b"\n".join(self.taken), [], 0
        return raw


def csv_rows(file: Any, delimiter: str, max_line: int, on_nul: str) -> Iterator[Row]:
    """`line` counts data rows from 1: not the header, and no row without any text.

    A first row that is no header is data; the columns are then "0", "1", …
    """
    source = Source(file, max_line)
    names: list[str] | None = None
    line = 0
    for cells, raw in split_rows(source, delimiter):
        if isinstance(cells, RowError):
            line += 1
            yield Row(line, cells, raw)
        elif not any(cells):
            continue
        elif names is None:
            names = names_of(cells)
            if is_header(cells):
                continue
            line += 1
            yield Row(line, row_of(names, cells, raw, on_nul), raw)
        else:
            line += 1
            yield Row(line, row_of(names, cells, raw, on_nul), raw)


def split_rows(source: Source, delimiter: str) -> Iterator[tuple[list[str] | RowError, bytes]]:
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        cells: list[str] | RowError
        try:
            cells = next(reader)
        except StopIteration:
            return
        except RowError as error:
            cells = error
        except csv.Error as error:
            cells = RowError("not_csv", f"{error}")
        yield cells, source.row()


def names_of(row: list[str]) -> list[str]:
    """The columns; one without a name has its place's number, as all have without a header."""
    if len(row) > MAX_FIELDS:
        raise Invalid(f"more than {MAX_FIELDS} columns", code="too_many_fields", line=1)
    if not is_header(row):
        return [str(place) for place in range(len(row))]
    return [name.strip() or str(place) for place, name in enumerate(row)]


def row_of(names: list[str], cells: list[str], raw: bytes, on_nul: str) -> Any:
    """The row's cells by column, or what is wrong with it."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return RowError("not_utf8", f"not UTF-8 at byte {error.start} of the row")
    if len(cells) != len(names):
        return RowError("wrong_columns", f"the row has {len(cells)} cells, not {len(names)}")
    value: dict[str, Any] = {
        name: Cell(cell) for name, cell in zip(names, cells, strict=True) if cell
    }
    if b"\0" in raw:
        if on_nul == "replace":
            return {name: Cell(replaced(cell)) for name, cell in value.items()}
        field = nul_field(value)
        return RowError("nul_character", f"{field} contains a NUL character", field)
    return value
