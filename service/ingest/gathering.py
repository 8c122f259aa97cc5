"""Rows that are one only together -> one row; the memory held is that of one group."""

from collections.abc import Iterator, Sequence

from service.formats.format import Format
from service.formats.record import RowError
from service.reading.json_lines import Row

MAX_ROWS = 10_000  # of one group
MAX_BYTES = 32 << 20  # of them


def gathered(rows: Iterator[Row], layout: Format) -> Iterator[Row]:
    """The rows, those of a group that follow each other as one; what is no part of it is a reject.

    A group whose rows lie apart is several: where they can't stand alone, each of them is a reject.
    """
    if type(layout).group is Format.group:
        return rows
    return joined(rows, layout)


def joined(rows: Iterator[Row], layout: Format) -> Iterator[Row]:
    name, held, size = None, list[Row](), 0
    for row in rows:
        group = None if isinstance(row.value, RowError) else layout.group(row.value)
        if group is None or group != name:
            yield from together(held, layout)
            name, held, size = group, [], 0
        if group is None:
            yield row
        elif len(held) == MAX_ROWS or size > MAX_BYTES:
            detail = f"more than {MAX_ROWS} rows or {MAX_BYTES >> 20} MiB belong to {group}"
            yield row._replace(value=RowError("too_many_rows", detail[:200]))
        else:
            held.append(row)
            size += len(row.raw)
    yield from together(held, layout)


def together(held: Sequence[Row], layout: Format) -> Iterator[Row]:
    """The rows that make one, as one, and the others as they are wrong, in the file's order."""
    values = [row.value for row in held if not isinstance(row.value, RowError)]
    if not values:
        return
    made, errors = layout.join(values)
    parts = tuple(row for place, row in enumerate(held) if place not in errors)
    if made is not None and parts:
        yield Row(parts[0].line, made, b"", parts)
    for place, error in errors.items():
        yield held[place]._replace(value=error)
