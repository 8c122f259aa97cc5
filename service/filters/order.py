"""The order of filtered pairs, and the place in it where a page ends."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, ColumnElement, Select, Text, and_, case, cast, func, literal, or_

from service.errors import BadRequest
from service.filters.compile import Compiler, Typed, as_kind
from service.filters.tree import BadFilter, Field
from service.tables.pairs import Pair

MAX_KEYS = 4  # of an order
CHARACTERS = 100  # of a text that order it, so that a cursor has an end
KEY = re.compile(r'\s*("?)([\w.-]+)\1(?:\s+(asc|desc))?\s*\Z', re.IGNORECASE)


class Wanted(NamedTuple):
    path: str
    descending: bool


class Key(NamedTuple):
    """A value that pairs are ordered by; missing values come last."""

    value: ColumnElement[Any]
    descending: bool

    def ordering(self) -> Any:
        return (self.value.desc() if self.descending else self.value.asc()).nulls_last()

    def beyond(self, last: Any) -> ColumnElement[bool]:
        """Whether a pair comes after one that has this value, which is not missing."""
        later = self.value < last if self.descending else self.value > last
        return or_(later, self.value.is_(None))


def read_order(orderby: str | None) -> Sequence[Wanted]:
    """Of "margin DESC, chosen.length". Raises BadFilter."""
    if orderby is None or not orderby.strip():
        return ()
    found: list[Wanted] = []
    for part in orderby.split(","):
        key = KEY.match(part.replace('"."', "."))
        if part.strip().startswith(("-", "+")):
            name = part.strip().lstrip("-+ ") or "votes"
            raise BadFilter(f"a field has no sign: to begin with the highest, {name} DESC")
        if key is None or len(found) == MAX_KEYS:
            raise BadFilter(f"an order is up to {MAX_KEYS} fields, each with ASC or DESC")
        found.append(Wanted(key[2], (key[3] or "").lower() == "desc"))
    return found


def keys(compiler: Compiler, wanted: Wanted) -> list[Key]:
    """One, or of metadata two: its numbers come first, then all else as text."""
    found = compiler.typed(Field(wanted.path))
    if found.kind == "json":
        values = [as_kind(found, "number"), bounded(text_of(found))]
    else:
        values = [bounded(found.value) if found.kind == "text" else found.value]
    return [Key(value, wanted.descending) for value in values]


def text_of(found: Typed) -> ColumnElement[Any]:
    """Metadata that is no number, as it would be written; NULL where it is a number or null."""
    written = found.value.op("#>>")(cast(literal("{}"), ARRAY(Text)))
    return case((func.jsonb_typeof(found.value) != "number", written))


def bounded(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """By code point. Longer texts are ordered by their beginning; of those that begin alike, equal
    ones stand together."""
    start = func.concat(func.left(text, CHARACTERS), func.md5(text))
    return case((func.length(text) > CHARACTERS, start), else_=text).collate("C")


def ordered(query: Select[Any], order: Sequence[Key]) -> Select[Any]:
    return query.order_by(*[each.ordering() for each in order], Pair.position)


def after(order: Sequence[Key], place: Sequence[Any]) -> ColumnElement[bool]:
    """Whether a pair comes after `place`: a value of each key, then a position."""
    *values, position = place
    if len(values) != len(order):
        raise BadRequest("the cursor is of another version", code="bad_cursor")
    same: list[ColumnElement[bool]] = []
    ways: list[ColumnElement[bool]] = []
    for each, value in zip(order, values, strict=True):
        if value is None:
            same.append(each.value.is_(None))
            continue
        ways.append(and_(*same, each.beyond(value)))
        same.append(each.value == value)
    ways.append(and_(*same, Pair.position > position))
    return or_(*ways)
