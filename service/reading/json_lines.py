"""JSONL -> its rows: each line an object, or what is wrong with the line."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import orjson

from service.formats.record import RowError

BLOCK = 1 << 20
MAX_FIELDS = 10_000  # of one row
SPACED_COLON = re.compile(rb'"[ \t\r]+:')  # behind a key
HUGE = 2.0**63
LONG = 20  # digits that an integer of 64 bits may have, with its sign
MAX_DEPTH = 250  # of nested JSON: what is stored must be written again, and orjson stops at 254

RawRow: TypeAlias = "dict[str, Any] | RowError"


class Row(NamedTuple):
    """`line` counts physical lines (or data rows of a table) from 1; `raw` is what was read.

    `parts` are the rows of the file that this one was put together from, where it was.
    """

    line: int
    value: RawRow
    raw: bytes
    parts: "tuple[Row, ...]" = ()

    def of_file(self) -> "tuple[Row, ...]":
        return self.parts or (self,)


def lines(file: Any, max_line: int) -> Iterator[tuple[int, bytes | None]]:
    """(number, bytes) of each line, split at \\n only; None for a line that is too long."""
    number, rest, skipping = 0, b"", False
    while block := file.read(BLOCK):
        parts = (rest + block).split(b"\n")
        rest = parts.pop()
        for part in parts:
            number += 1
            yield number, None if skipping or len(part) > max_line else first_line(number, part)
            skipping = False
        if len(rest) > max_line:
            rest, skipping = b"", True
    if rest or skipping:
        number += 1
        yield number, None if skipping else first_line(number, rest)


def first_line(number: int, raw: bytes) -> bytes:
    return raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw


def json_line_rows(file: Any, max_line: int, on_nul: str) -> Iterator[Row]:
    """A row a line; blank lines are no rows."""
    for line, raw in lines(file, max_line):
        if raw is None:
            detail = f"the line is longer than {max_line} bytes"
            yield Row(line, RowError("line_too_long", detail), b"")
        elif raw and not raw.isspace():
            yield Row(line, parse(raw, on_nul), raw)


def parse(raw: bytes, on_nul: str) -> RawRow:
    """The JSON object of one line, or what is wrong with it."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return json_error(error, raw)
    if not isinstance(value, dict):
        return RowError("not_an_object", f"the line is a {type(value).__name__}, not an object")
    if len(value) > MAX_FIELDS:
        return RowError("too_many_fields", f"the row has more than {MAX_FIELDS} fields")
    return value if only_texts(value, raw) else looked_over(value, raw, on_nul)


def looked_over(value: dict[str, Any], raw: bytes, on_nul: str) -> RawRow:
    """The object without what no table can hold, or what is wrong in it."""
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and too_deep(value):
        return TOO_DEEP
    if b"\\u0000" in raw:  # a bare NUL byte is no JSON
        if on_nul == "replace":
            value = replaced(value)
        elif field := nul_field(value):
            return RowError("nul_character", f"{field} contains a NUL character", field)
    if has_huge(value) and (number := too_long_integer(raw)):
        shown = f"the integer {number[:30]} does not fit 64 bits: write it as a string"
        return RowError("out_of_range", shown)
    if may_repeat_a_key(value, raw) and (key := repeated_key(raw)):
        return RowError("duplicate_key", f"the key {key!r} stands twice", key)
    return value


def only_texts(value: dict[str, Any], raw: bytes) -> bool:
    """Whether the row is strings, each key once: nothing that is refused below, in one look.

    Without escapes each quote begins or ends a key or a value: a key that stood twice would leave
    more of them than the object accounts for.
    """
    if b"\\" in raw or set(map(type, value.values())) != {str}:
        return False
    return raw.count(b'"') == 4 * len(value)


TOO_DEEP = RowError("json_too_deep", f"the JSON is nested more than {MAX_DEPTH} deep")


def too_deep(value: Any) -> bool:
    """A loop, not recursion: the depth is the sender's choice."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in children_of(parent)]
        if not level:
            return False
    return True


def children_of(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def json_error(error: orjson.JSONDecodeError, raw: bytes) -> RowError:
    detail = str(error)
    low = detail.lower()
    if "depth" in low or "recursion" in low:
        return TOO_DEEP
    try:
        raw.decode()
    except UnicodeDecodeError as found:
        if raw[found.start : found.start + 1] == b"\xed":
            return RowError("lone_surrogate", f"half of a surrogate pair at byte {found.start}")
        return RowError("not_utf8", f"not UTF-8 at byte {found.start}")
    if "surrogate" in low:
        return RowError("lone_surrogate", f"half of a surrogate pair: {detail}")
    if "infinity" in low or "number out of range" in low:
        return RowError("not_finite", f"a number does not fit a double: {detail}")
    around = raw[max(error.pos - 12, 0) : error.pos + 12]
    if b"NaN" in around or b"Infinity" in around:
        return RowError("not_finite", f"NaN and Infinity are not numbers in JSON: {detail}")
    return RowError("not_json", detail)


def has_huge(value: Any) -> bool:
    """Whether a number may have been an integer that became a double, without its last digits."""
    kind = type(value)
    if kind is float:
        return abs(value) >= HUGE
    if kind is dict:
        return any(map(has_huge, value.values()))
    return kind is list and any(map(has_huge, value))


def too_long_integer(raw: bytes) -> str | None:
    """The first integer of more than 64 bits; `1e30` is none."""
    found: list[str] = []

    def keep(number: str) -> float:
        if len(number) > LONG or not -(2**63) <= int(number) < 2**64:
            found.append(number)
        return 0.0

    try:
        json.loads(raw, parse_int=keep)
    except RecursionError:
        return None
    return found[0] if found else None


def may_repeat_a_key(value: dict[str, Any], raw: bytes) -> bool:
    """Cheap: the text has more keys than the object, or so it seems where a text quotes JSON."""
    colons = len(SPACED_COLON.findall(raw)) + raw.count(b'":')
    return colons > len(value) and colons > keys_in(value)


def keys_in(value: Any) -> int:
    """At any depth."""
    if isinstance(value, dict):
        return len(value) + sum(map(keys_in, value.values()))
    return sum(map(keys_in, value)) if isinstance(value, list) else 0


def repeated_key(raw: bytes) -> str | None:
    """The first key that stands twice in one object, at any depth."""
    repeated: list[str] = []

    def check(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            times = Counter(name for name, _ in pairs)
            repeated.append(next(name for name in times if times[name] > 1))
        return found

    try:
        json.loads(raw, object_pairs_hook=check)
    except RecursionError:  # deeper than the standard library goes, but orjson took it
        return None
    return repeated[0] if repeated else None


def nul_field(value: Any, path: str = "") -> str | None:
    """The path of the first string or key with a NUL."""
    if isinstance(value, str):
        return path if "\x00" in value else None
    children: Iterator[tuple[str, Any]] = iter(())
    if isinstance(value, dict):
        if any("\x00" in key for key in value):
            return path or "(a key)"
        children = ((f"{path}.{key}" if path else key, child) for key, child in value.items())
    elif isinstance(value, list):
        children = ((f"{path}[{index}]", child) for index, child in enumerate(value))
    return next((found for at, child in children if (found := nul_field(child, at))), None)


def replaced(value: Any) -> Any:
    """The same with U+FFFD for each NUL."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, dict):
        return {replaced(key): replaced(child) for key, child in value.items()}
    if isinstance(value, list):
        return [replaced(child) for child in value]
    return value
