"""JSON files -> their rows: an array, an object of records, an object with one array, or values.

Each element is parsed as a line of JSONL is: a bad one is a reject with its raw bytes and the same
code, and the rest is read. (A streaming parser would stop at the first NaN, and keeps no bytes.)
"""

import io
import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import orjson

from service.errors import Invalid
from service.formats import recognise
from service.formats.record import RowError
from service.reading.json_cutting import Cutter
from service.reading.json_lines import RawRow, Row, json_error, parse, replaced

MEMBER = re.compile(rb'\s*("(?:[^"\\]|\\.)*+")\s*+:\s*+(\[\s*\{|.)', re.DOTALL)
# Lists of a record, not of records, where an object is too large to be looked at as a whole.
RECORD_LISTS = {b'"messages"', b'"conversations"', b'"conversation"', b'"chosen"', b'"prompt"'}

GOES_ON = (b"[", b"{", b",", b":")  # how a line of JSON ends that the next one continues


class Shape(NamedTuple):
    """How a file holds its rows, and the byte behind the bracket that opens them."""

    kind: Literal["array", "objects", "values"]
    start: int = 0
    inner: bool = False  # the array is a member of an object


def shape_of(head: bytes, *, whole: bool) -> Shape | None:
    """How this text holds rows, from its first bytes (`whole`: that is all); None for JSONL."""
    start = len(head) - len(head.lstrip()) + 1
    lines = [line.rstrip() for line in head[start - 1 :].split(b"\n", 50) if line.strip()]
    if head[start - 1 : start] == b"[":
        begun = head[start:].lstrip()[:1]
        one_a_line = len(lines) > 1 and is_json(lines[0])
        return None if begun not in (b"{", b"]") or one_a_line else Shape("array", start)
    if len(lines) > 1 and lines[1].lstrip().startswith(b"{") and not lines[0].endswith(GOES_ON):
        return None  # two objects, the first of which may be damaged
    if (len(lines) > 1 or not whole) and is_json(lines[0]):
        return None
    cutter = Cutter(io.BytesIO(head).read, len(head))
    first = next(cutter.elements(commas=False)) or b""
    if cutter.ended:  # the object goes on
        shape = shape_of_members(head, start)
        return shape or (Shape("values") if len(lines) > 1 else None)
    if not whole or head[cutter.at :].strip():
        return None if b"\n" not in first.strip() else Shape("values")
    if not is_record(first) and (shape := shape_of_members(head, start)):
        return shape
    return Shape("values") if len(lines) > 1 else None


def is_json(raw: bytes) -> bool:
    try:
        orjson.loads(raw)
    except orjson.JSONDecodeError:
        return False
    return True


def is_record(raw: bytes) -> bool:
    """Whether an object is a row by itself and holds none."""
    value = parse(raw, "replace")
    return not isinstance(value, RowError) and recognise([value]) is not None


def shape_of_members(head: bytes, start: int) -> Shape | None:
    """An object of objects, or of one array of objects; None for any other."""
    cutter = Cutter(io.BytesIO(head).read, len(head))
    cutter.skip(start)
    kinds: set[bytes] = set()
    arrays: list[int] = []
    for raw in cutter.elements():
        if found := MEMBER.match(head, start):
            if len(found[2]) > 1 and found[1] not in RECORD_LISTS:
                arrays.append(found.start(2) + 1)
            kinds.add(found[2][:1])
        start += len(raw or b"") + 1
    if kinds == {b"{"}:
        return Shape("objects", len(head) - len(head.lstrip()) + 1)
    return Shape("array", arrays[0], inner=True) if len(arrays) == 1 else None


def json_rows(
    read: Callable[[int], bytes], shape: Shape, max_line: int, on_nul: str
) -> Iterator[Row]:
    """The file's elements; `line` counts them from 1.

    Raises Invalid where a second array of objects follows the one that was read.
    """
    cutter = Cutter(read, max_line)
    cutter.skip(shape.start)
    line, commas = 0, shape.kind != "values"
    last: RawRow | None = None
    for raw in cutter.elements(commas=commas):
        raw = raw if raw is None else raw.strip()
        if raw == b"" and (cutter.closed or cutter.ended):
            break  # nothing, or a comma, after the last one
        line += 1
        if raw is None:
            last = RowError("line_too_long", f"the element is longer than {max_line} bytes")
        else:
            last = record_of(raw, on_nul) if shape.kind == "objects" else parse(raw, on_nul)
        yield Row(line, last, raw or b"")
    if commas and not (cutter.ended and isinstance(last, RowError)):
        wrong = after_the_last(cutter, inner=shape.inner)
        if wrong:
            yield Row(line + 1, RowError("not_json", wrong), b"")


def after_the_last(cutter: Cutter, *, inner: bool) -> str | None:
    """What is wrong behind the last element."""
    if inner and cutter.closed:
        for raw in cutter.elements():
            found = MEMBER.match(cutter.begun if raw is None else raw)
            if found and len(found[2]) > 1:
                key = found[1].decode(errors="replace")
                detail = f"the object has a second array of objects, {key}"
                raise Invalid(detail, code="ambiguous_file")
    if not cutter.closed:
        return "the file ends before its last bracket"
    return None if cutter.rest_is_blank() else "there is more after the last bracket"


def record_of(raw: bytes, on_nul: str) -> RawRow:
    """A member of an object of records: the record with its name as `key`."""
    found = MEMBER.match(raw)
    if found is None:
        return RowError("not_json", "this is no member of an object")
    try:
        key = orjson.loads(found[1])
    except orjson.JSONDecodeError as error:
        return json_error(error, found[1])
    if "\0" in key:
        if on_nul != "replace":
            return RowError("nul_character", "the record's key contains a NUL character", "key")
        key = replaced(key)
    value = parse(raw[found.start(2) :], on_nul)
    if isinstance(value, RowError):
        return value
    return {"_key" if "key" in value else "key": key, **value}
