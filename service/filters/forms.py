"""The tree as JSON and as text, and back from JSON."""

import re
import sys
from typing import Any

from service.filters.tree import (
    ARITHMETIC,
    COMPARISONS,
    MAX_NODES,
    BadFilter,
    Call,
    Field,
    Literal,
    Node,
    checked,
    storable,
)

PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")
# Words of the grammar that are no names without quotes.
RESERVED = frozenset(
    re.findall(
        r"\w+",
        "all and any as asc between case cast desc distinct else end exists false from group "
        "having in is like ilike limit match not null on or order select similar some then true "
        "union user when where with position values text left right interval date time timestamp "
        "current_date",
    )
)
INFIX = {**{each: each for each in (*ARITHMETIC, *COMPARISONS)}, "like": "LIKE", "ilike": "ILIKE"}


def to_json(node: Node) -> dict[str, Any]:
    """{"field": path} | {"value": …} | {"op": operator, "args": […]}."""
    if isinstance(node, Field):
        return {"field": node.path}
    if isinstance(node, Literal):
        return {"value": node.value}
    return {"op": node.operator, "args": [to_json(each) for each in node.arguments]}


def from_json(value: Any) -> Node:
    """The tree of a JSON form. Raises BadFilter."""
    try:
        return checked(read(value))
    except RecursionError:
        raise BadFilter("the filter is too deep", code="filter_too_complex") from None


def read(value: Any) -> Node:
    if isinstance(value, dict):
        keys = set(value)
        if keys == {"field"} and isinstance(value["field"], str):
            return Field(storable(value["field"]))
        if keys == {"value"} and isinstance(value["value"], str | int | float | bool | None):
            found = value["value"]
            return Literal(storable(found) if isinstance(found, str) else finite(found))
        if keys == {"op", "args"} and isinstance(value["args"], list):
            if len(value["args"]) > MAX_NODES:  # before so many nodes are made
                raise BadFilter("the filter is too long", code="filter_too_complex")
            return Call(str(value["op"]), tuple(read(each) for each in value["args"]))
    raise BadFilter('a node is {"field": …}, {"value": …} or {"op": …, "args": […]}')


def finite(value: float | int | bool | None) -> float | int | bool | None:
    """The same value, which is not infinite as a double."""
    # Of integers the largest double is asked: float() of a larger one raises.
    if value is not None and not abs(value) <= sys.float_info.max:
        raise BadFilter("a number of the filter is not finite", code="not_finite")
    return value


def to_text(node: Node) -> str:
    """Text that parses to the same tree."""
    if isinstance(node, Field):
        return ".".join(map(quoted, node.path.split(".")))
    if isinstance(node, Literal):
        return literal(node.value)
    arguments = [inner(each) for each in node.arguments]
    operator = node.operator
    if operator in INFIX:
        return f"{arguments[0]} {INFIX[operator]} {arguments[1]}"
    if operator in ("and", "or"):
        return f" {operator.upper()} ".join(arguments)
    if operator == "not":
        return f"NOT {arguments[0]}"
    if operator == "negate":
        return f"-{arguments[0]}"
    if operator == "is_null":
        return f"{arguments[0]} IS NULL"
    if operator == "in":
        return f"{arguments[0]} IN ({', '.join(arguments[1:])})"
    if operator == "between":
        return f"{arguments[0]} BETWEEN {arguments[1]} AND {arguments[2]}"
    over = "" if operator in ("match", "similar") else "judgment, "
    return f"{operator.upper()}({over}{to_text(node.arguments[0])})"


def inner(node: Node) -> str:
    """An argument, in brackets where it is more than a name, a value or a SIMILAR."""
    written = to_text(node)
    called = isinstance(node, Call) and node.operator != "similar"
    simple = not called and not written.startswith("-")
    return written if simple else f"({written})"


def quoted(name: str) -> str:
    if PLAIN.match(name) and name not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | float | int | bool | None) -> str:
    if value is None or isinstance(value, bool):
        return "NULL" if value is None else str(value).upper()
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(value)
