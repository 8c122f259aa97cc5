"""The filter language: text, a JSON tree and Python expressions are forms of one tree."""

from service.filters.builder import F
from service.filters.forms import from_json, to_json, to_text
from service.filters.parse import parse
from service.filters.tree import BadFilter, Call, Field, Literal, Node

__all__ = [
    "BadFilter", "Call", "F", "Field", "Literal", "Node", "from_json", "parse", "to_json",
    "to_text",
]  # fmt: skip
