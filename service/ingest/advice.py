"""What to do about a file that is read otherwise than its owner thinks, in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from service.formats import FORMATS
from service.ingest.mapping import CALLED, proposed

OURS = {name for layout in FORMATS.values() for name in layout.columns} | {*CALLED}
SHOWN = 10  # names in a sentence
NEAR = 0.8  # of difflib's ratio, 0..1
MOST = 0.5  # of the rows have to be as the layout says


class Looked(NamedTuple):
    """What a preview found: the rows as they are in the file, and what became of them."""

    rows: Sequence[dict[str, Any]]
    columns: Sequence[str]
    mapping: Mapping[str, str]
    layout: str | None
    candidates: int
    looked_at: int
    rejected: int


def advice(found: Looked) -> Iterator[str]:
    if not found.looked_at:
        yield "the file has no rows"
        return
    if found.rejected:
        yield from slips(found.mapping)
    strangers = [theirs for theirs in found.mapping.values() if theirs not in found.columns]
    if found.columns and strangers:
        yield f"the file has no column {listed(strangers)}; it has {listed(found.columns)}"
    if found.layout is None:
        yield from unknown(found)
    elif found.candidates > 1 and found.rejected > MOST * found.looked_at:
        yield (
            f"most rows can't be read as {found.layout}: a file has one layout; "
            "choose another one, or split the file"
        )


def slips(mapping: Mapping[str, str]) -> Iterator[str]:
    """Columns of ours that nearly have the name of one."""
    for ours in mapping:
        near = get_close_matches(ours, sorted(OURS), 1, NEAR)
        if near and ours not in OURS:
            yield f"{ours!r} is not a column that a layout is told by; is {near[0]!r} meant?"


def unknown(found: Looked) -> Iterator[str]:
    lists = [name for row in found.rows[:1] for name, value in row.items() if is_rows(value)]
    if found.looked_at == 1 and len(lists) > 1:
        yield f"rows may lie in {listed(lists)}: leave one list of objects in the file"
    elif found.rows:
        yield "name the columns by a mapping (--map our-column=their-column), or the layout"


def is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def suggestion(found: Looked) -> dict[str, str] | None:
    """A mapping to try, where no layout fits and nobody gave one."""
    wanted = found.layout is None and not found.mapping and found.rows
    return proposed(found.rows) if wanted else None


def listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(repr(name[:60]) for name in names[:SHOWN]) + more
