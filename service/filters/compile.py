"""Tree -> a bound SQL condition over pairs. Every name comes from the catalogue."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Double,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    or_,
)
from sqlalchemy import not_ as sql_not

from service.filters.fields import Catalogue, Entry, Kind, Tables
from service.filters.judgments import LABELS, judgments
from service.filters.meaning import SIMILARITY, Meanings
from service.filters.tree import ARITHMETIC, COMPARISONS, BadFilter, Call, Field, Literal, Node
from service.filters.words import Words

JSON_KINDS: dict[Kind, str] = {"number": "number", "text": "string", "boolean": "boolean"}


class Typed(NamedTuple):
    kind: Kind | None  # None: the NULL literal
    value: ColumnElement[Any]


class Compiler:
    """Compiles conditions over one set of tables."""

    def __init__(
        self,
        catalogue: Catalogue,
        tables: Tables,
        labels: Collection[str] = LABELS,
        meanings: Meanings | None = None,
        words: Words | None = None,
    ) -> None:
        """`labels`: what `judgments` finds."""
        self.catalogue, self.tables, self.labels = catalogue, tables, labels
        self.meanings, self.words = meanings, words
        self.similarity: Typed | None = None  # of the first SIMILAR
        self.of_judgment: Mapping[str, Entry] = {}

    def condition(self, node: Node) -> ColumnElement[bool]:
        """A boolean. Raises BadFilter."""
        found = self.typed(node)
        if found.kind == "json":
            return as_kind(found, "boolean")
        if found.kind != "boolean":
            raise mismatch("a condition", "boolean", found, node)
        return found.value

    def typed(self, node: Node) -> Typed:
        if isinstance(node, Literal):
            return typed_literal(node)
        if isinstance(node, Field):
            if node.path == SIMILARITY and self.similarity:
                return self.similarity
            entry = self.catalogue.entry(node, self.of_judgment)
            self.tables.used.update(entry.joins)
            return Typed(entry.kind, entry.value(self.tables))
        if node.operator in ARITHMETIC:
            left, right = (self.a(each, "number", node.operator) for each in node.arguments)
            return Typed("number", arithmetic(node.operator, left, right))
        if node.operator == "negate":
            return Typed("number", -self.a(node.arguments[0], "number", "-"))
        if node.operator == "similar":
            return self.similar(node.arguments[0])
        return Typed("boolean", self.boolean(node))

    def boolean(self, node: Call) -> ColumnElement[bool]:
        if node.operator in ("and", "or"):
            joining: Callable[..., Any] = and_ if node.operator == "and" else or_
            return joining(*[self.condition(each) for each in node.arguments])
        if node.operator == "not":
            return sql_not(self.condition(node.arguments[0]))
        if node.operator == "is_null":
            return is_null(self.typed(node.arguments[0]))
        if node.operator in ("like", "ilike"):
            left, pattern = (self.a(each, "text", node.operator) for each in node.arguments)
            return left.like(pattern) if node.operator == "like" else left.ilike(pattern)
        if node.operator in COMPARISONS or node.operator in ("in", "between"):
            return self.comparison(node)
        if node.operator == "match":
            return self.match(node.arguments[0])
        return self.quantified(node)

    def comparison(self, node: Call) -> ColumnElement[bool]:
        found = [self.typed(each) for each in node.arguments]
        kinds = {each.kind for each in found if each.kind not in (None, "json")}
        if len(kinds) > 1:
            raise BadFilter(
                f"{node.operator} compares {' with '.join(sorted(map(str, kinds)))}",
                code="type_error", **place_of(node),
            )  # fmt: skip
        if any(each.kind is None for each in found):
            raise BadFilter("NULL is compared by IS NULL", code="type_error", **place_of(node))
        kind: Kind = next(iter(kinds), "text")  # pyright: ignore[reportAssignmentType]
        first, *others = [as_kind(each, kind) for each in found]
        if kind == "text" and node.operator not in ("=", "<>", "in"):
            first = first.collate("C")  # the same order everywhere
        if node.operator == "in":
            return first.in_(others)
        if node.operator == "between":
            return first.between(others[0], others[1])
        return compared(node.operator, first, others[0])

    def a(self, node: Node, kind: Kind, wanted_by: str) -> ColumnElement[Any]:
        found = self.typed(node)
        if found.kind not in (kind, "json"):
            raise mismatch(wanted_by, kind, found, node)
        return as_kind(found, kind)

    def match(self, words: Node) -> ColumnElement[bool]:
        if not isinstance(words, Literal) or not isinstance(words.value, str):
            raise BadFilter("MATCH takes words in quotes", code="type_error")
        assert self.words is not None
        return self.words.match(words.value)

    def similar(self, said: Node) -> Typed:
        """Cosine of the prompt's vector and the text's; NULL where the prompt has none."""
        if (
            not isinstance(said, Literal)
            or not isinstance(said.value, str)
            or not said.value.strip()
        ):
            raise BadFilter("SIMILAR takes a text in quotes", code="type_error")
        assert self.meanings is not None
        self.tables.used.add("meaning")
        found = Typed("number", self.meanings.similarity(said.value, self.tables.vector))
        self.similarity = self.similarity or found
        return found

    def quantified(self, node: Call) -> ColumnElement[bool]:
        """Over the judgments of the pair's two answers; ALL of none is true."""
        if self.of_judgment:
            raise BadFilter("ANY and ALL can't stand inside each other")
        ways: list[ColumnElement[bool]] = []
        for each in judgments(self.labels):
            self.of_judgment = each.fields
            condition = self.condition(node.arguments[0])
            # Not IS NOT TRUE: where the condition begins with NOT, it would bind tighter.
            held = condition if node.operator == "any" else sql_not(func.coalesce(condition, False))
            ways.append(each.any(held, self.tables.of_pairs()))
        self.of_judgment = {}
        found = or_(false(), *ways)
        return found if node.operator == "any" else sql_not(found)


def typed_literal(node: Literal) -> Typed:
    value = node.value
    if value is None:
        return Typed(None, literal(None))
    if isinstance(value, bool):
        return Typed("boolean", literal(value, Boolean))
    if isinstance(value, str):
        return Typed("text", literal(value, Text))
    return Typed("number", cast(literal(float(value), Double), Double))


def arithmetic(operator: str, left: Any, right: Any) -> ColumnElement[Any]:
    if operator == "/":  # what can't be divided is unknown, not an error
        return left / func.nullif(right, cast(0, Double))
    return {"+": left + right, "-": left - right, "*": left * right}[operator]


def compared(operator: str, left: Any, right: Any) -> ColumnElement[bool]:
    return left.op(operator, is_comparison=True)(right)


def is_null(found: Typed) -> ColumnElement[bool]:
    if found.kind == "json":  # a null in the file is missing, too
        return or_(found.value.is_(None), func.jsonb_typeof(found.value) == "null")
    if found.kind == "boolean":  # IS binds tighter than a NOT inside
        return func.num_nulls(found.value) == 1
    return found.value.is_(None)


def as_kind(found: Typed, kind: Kind) -> ColumnElement[Any]:
    """Metadata as what it is compared with; NULL where it is something else."""
    if found.kind != "json":
        return cast(found.value, Double) if kind == "number" else found.value
    if kind == "json":
        return found.value
    bare = found.value.op("#>>")(cast(literal("{}"), ARRAY(Text)))
    typed: Any = {"number": Double, "text": Text, "boolean": Boolean}[kind]
    return case((func.jsonb_typeof(found.value) == JSON_KINDS[kind], cast(bare, typed)))


def mismatch(wanted_by: str, wanted: str, found: Typed, node: Node) -> BadFilter:
    return BadFilter(
        f"{wanted_by} takes {'an' if wanted[0] in 'aeiou' else 'a'} {wanted}, not {found.kind}",
        code="type_error", **place_of(node),
    )  # fmt: skip


def place_of(node: Node) -> dict[str, Any]:
    """Where the first field of a tree stands, as far as that is known."""
    level = [node]
    while level:
        for each in level:
            if isinstance(each, Field):
                line, column = each.at or (None, None)
                return {"field": each.path, "line": line, "column": column}
        level = [child for each in level if isinstance(each, Call) for child in each.arguments]
    return {}
