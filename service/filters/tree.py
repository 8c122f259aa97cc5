"""The tree of a filter, its operators, and how large one may be."""

from dataclasses import dataclass, field
from typing import TypeAlias

from service.errors import Invalid

MAX_DEPTH = 50
MAX_NODES = 2000
ARITHMETIC = ("+", "-", "*", "/")
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
LARGEST_FORM = 3  # arguments; an operator that takes more takes a list
# Operator -> least and most arguments.
ARGUMENTS: dict[str, tuple[int, int]] = {
    **dict.fromkeys((*ARITHMETIC, *COMPARISONS, "like", "ilike"), (2, 2)),
    "negate": (1, 1), "not": (1, 1), "is_null": (1, 1), "match": (1, 1), "similar": (1, 1),
    "any": (1, 1), "all": (1, 1), "between": (3, 3), "in": (2, 1001), "and": (2, MAX_NODES),
    "or": (2, MAX_NODES),
}  # fmt: skip


class BadFilter(Invalid):
    """What is wrong with a filter, and where: `line` and `column` from 1, where it is text."""

    code = "bad_filter"


@dataclass(frozen=True)
class Literal:
    value: str | float | int | bool | None


@dataclass(frozen=True)
class Field:
    """A dotted path of the catalogue; `at` is (line, column) in the text it came from."""

    path: str
    at: tuple[int, int] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Call:
    """An operator of ARGUMENTS and what it is applied to."""

    operator: str
    arguments: "tuple[Node, ...]"


Node: TypeAlias = Literal | Field | Call


def storable(text: str) -> str:
    """The same text, which PostgreSQL can hold."""
    if "\x00" in text:
        raise BadFilter("the filter contains a NUL character", code="nul_character")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise BadFilter("the filter contains half a character", code="bad_character")
    return text


def checked(node: Node) -> Node:
    """The same tree, which is neither too deep nor too large and has no unknown operator."""
    level: list[Node] = [node]
    count = 0
    for _ in range(MAX_DEPTH):
        count += len(level)
        if count > MAX_NODES:
            break
        if not level:
            return node
        level = [child for parent in level for child in children(parent)]
    raise BadFilter("the filter is too deep or too long", code="filter_too_complex")


def children(node: Node) -> "tuple[Node, ...]":
    if not isinstance(node, Call):
        return ()
    least, most = ARGUMENTS.get(node.operator, (1, 0))
    if most == 0:
        raise BadFilter(f"there is no operator {node.operator!r}")
    if len(node.arguments) > most > LARGEST_FORM:
        detail = f"{node.operator} has more than {most} arguments"
        raise BadFilter(detail, code="filter_too_complex")
    if not least <= len(node.arguments) <= most:
        raise BadFilter(f"{node.operator} takes {least} to {most} arguments")
    return node.arguments
