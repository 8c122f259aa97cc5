"""Filters as Python: `(F("reward_margin") > 0.5) & F("chosen.model").is_in("a", "b")`."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from service.filters import tree
from service.filters.tree import Call, Node

Value: TypeAlias = "Built | str | float | int | bool | None"


@dataclass(frozen=True, eq=False)
class Built:
    """A node that Python's operators extend. `&`, `|` and `~` are AND, OR and NOT."""

    node: Node

    def call(self, operator: str, *others: Any) -> "Built":
        return Built(Call(operator, (self.node, *map(node_of, others))))

    def __lt__(self, other: Value) -> "Built":
        return self.call("<", other)

    def __le__(self, other: Value) -> "Built":
        return self.call("<=", other)

    def __gt__(self, other: Value) -> "Built":
        return self.call(">", other)

    def __ge__(self, other: Value) -> "Built":
        return self.call(">=", other)

    def __eq__(self, other: Any) -> Any:
        return self.call("=", other)

    def __ne__(self, other: Any) -> Any:
        return self.call("<>", other)

    def __add__(self, other: Value) -> "Built":
        return self.call("+", other)

    def __sub__(self, other: Value) -> "Built":
        return self.call("-", other)

    def __mul__(self, other: Value) -> "Built":
        return self.call("*", other)

    def __truediv__(self, other: Value) -> "Built":
        return self.call("/", other)

    def __neg__(self) -> "Built":
        return self.call("negate")

    def __and__(self, other: "Built") -> "Built":
        return self.call("and", other)

    def __or__(self, other: "Built") -> "Built":
        return self.call("or", other)

    def __invert__(self) -> "Built":
        return self.call("not")

    def is_in(self, *values: Value) -> "Built":
        return self.call("in", *values)

    def between(self, low: Value, high: Value) -> "Built":
        return self.call("between", low, high)

    def is_null(self) -> "Built":
        return self.call("is_null")

    def like(self, pattern: str) -> "Built":
        return self.call("like", pattern)

    def ilike(self, pattern: str) -> "Built":
        return self.call("ilike", pattern)


def node_of(value: Value) -> Node:
    return value.node if isinstance(value, Built) else tree.Literal(value)


def F(path: str) -> Built:
    return Built(tree.Field(path))


def match(words: str) -> Built:
    """Pairs whose prompt or answers hold these words."""
    return Built(Call("match", (tree.Literal(words),)))


def similar(text: str) -> Built:
    """How near the prompt is in meaning, -1..1: 1 = the same; also to the prompt of a pair's id."""
    return Built(Call("similar", (tree.Literal(text),)))


def any_judgment(condition: Built) -> Built:
    return Built(Call("any", (condition.node,)))


def all_judgments(condition: Built) -> Built:
    return Built(Call("all", (condition.node,)))
