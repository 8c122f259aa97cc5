"""Text -> tree. sqlglot reads the SQL; only what is listed here is taken over."""

import math
from collections.abc import Callable
from itertools import zip_longest
from typing import Any

from sqlglot import ErrorLevel, exp, tokenize
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, TokenError
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token, TokenType

from service.filters.tree import (
    MAX_DEPTH,
    MAX_NODES,
    BadFilter,
    Call,
    Field,
    Literal,
    Node,
    checked,
    storable,
)

MAX_BYTES = 20_000
# Names that PostgreSQL's grammar takes for itself, read under others of the same length.
STAND_INS = {"MATCH": "MATCQ", "SIMILAR": "SIMILAQ", "ANY": "ANQ", "ALL": "ALQ"}
FUNCTIONS = {"MATCQ": "match", "SIMILAQ": "similar", "ANQ": "any", "ALQ": "all"}
WRITTEN = {
    "match": "MATCH('words')", "similar": "SIMILAR('text')",
    "any": "ANY(judgment, a filter)", "all": "ALL(judgment, a filter)",
}  # fmt: skip
QUOTED = (TokenType.STRING, TokenType.IDENTIFIER)
BINARY: dict[Any, str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Like: "like", exp.ILike: "ilike",
}  # fmt: skip


def parse(text: str) -> Node:
    """The tree of a WHERE expression. Raises BadFilter, with the place where it is wrong."""
    if len(text.encode(errors="surrogatepass")) > MAX_BYTES:
        raise BadFilter(f"the filter is longer than {MAX_BYTES} bytes", code="filter_too_complex")
    storable(text)
    try:
        readable = with_stand_ins(text, tokenize(text, dialect="postgres"))
        tokens = tokenize(readable, dialect="postgres")
        parser: Parser = Dialect.get_or_raise("postgres").parser(error_level=ErrorLevel.IMMEDIATE)
        trees = parser.parse_into(exp.Condition, tokens, readable)
        if len(trees) > 1:
            raise BadFilter("a filter is one expression", near=";")
        if not trees or trees[0] is None:
            raise BadFilter("the filter is empty")
        return checked(node(trees[0]))
    except RecursionError:
        raise BadFilter("the filter is too deep", code="filter_too_complex") from None
    except TokenError as error:
        raise BadFilter(f"the filter can't be read: {error}") from None
    except ParseError as error:
        raise misread(error) from None


def with_stand_ins(text: str, tokens: list[Token]) -> str:
    """The text in a form that the grammar takes, every character in its place."""
    if len(tokens) > MAX_NODES:
        raise BadFilter("the filter is too long", code="filter_too_complex")
    depth = 0
    for token, following in zip_longest(tokens, tokens[1:]):
        depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
        if depth > MAX_DEPTH:
            raise BadFilter("the filter is too deep", code="filter_too_complex")
        called = following is not None and following.token_type == TokenType.L_PAREN
        name = STAND_INS.get(token.text.upper())
        if called and token.text.upper() in FUNCTIONS:
            raise BadFilter(f"the filter language has no {token.text}", near=token.text)
        if called and name and token.token_type not in QUOTED:
            text = text[: token.start] + name + text[token.end + 1 :]
    return text


def misread(error: ParseError) -> BadFilter:
    found: Any = error.errors[0] if error.errors else {}
    line, column = found.get("line"), found.get("col")
    near = found.get("highlight")
    detail = str(found.get("description") or "it can't be read").rstrip(".")
    if "missing for" in detail:  # names a class of the grammar
        detail = "something is missing there"
    return BadFilter(
        f"the filter can't be read near {near!r}: {detail}", line=line, column=column, near=near
    )


def node(found: Any) -> Node:
    """The tree of an expression of the grammar."""
    if isinstance(found, exp.Paren):
        return node(found.this)
    if type(found) in BINARY:
        made = Call(BINARY[type(found)], (node(found.this), node(found.expression)))
        return Call("not", (made,)) if found.args.get("negate") else made
    take = TAKEN.get(type(found))
    if take is None:
        raise refused(found)
    return take(found)


def refused(found: Any) -> BadFilter:
    shown = found.sql(dialect="postgres")[:80]
    if not isinstance(found, exp.Anonymous):
        return BadFilter(f"the filter language has nothing like {shown}", near=shown)
    asked = next((own for own, put in STAND_INS.items() if put == found.name.upper()), None)
    if asked is None:
        return BadFilter(f"the filter language has no function {found.name}", near=found.name)
    return BadFilter(f"{asked} is written {WRITTEN[FUNCTIONS[STAND_INS[asked]]]}", near=asked)


def joined(operator: str) -> Callable[[Any], Node]:
    return lambda found: Call(operator, tuple(node(each) for each in found.flatten()))


def column(found: Any) -> Node:
    parts = [part for part in found.parts]
    if any(not isinstance(part, exp.Identifier) for part in parts):
        raise refused(found)
    meta = parts[0].meta
    column = meta["col"] - (meta["end"] - meta["start"]) if "col" in meta else None
    return Field(".".join(part.name for part in parts), (meta["line"], column) if column else None)


def literal(found: Any) -> Node:
    if found.is_string:
        return Literal(found.this)
    return Literal(number(found.this))


def number(written: str) -> float | int:
    value = float(written)
    if not math.isfinite(value):
        raise BadFilter(f"{written} is not a finite number", code="not_finite", near=written)
    return int(written) if written.isdecimal() and value < 2**53 else value


def negated(found: Any) -> Node:
    inner = node(found.this)
    if isinstance(inner, Literal) and isinstance(inner.value, int | float):
        return Literal(-inner.value)
    return Call("negate", (inner,))


def is_something(found: Any) -> Node:
    inner, what = node(found.this), found.expression
    if isinstance(what, exp.Null):
        made = Call("is_null", (inner,))
    elif isinstance(what, exp.Boolean):
        made = Call("=", (inner, Literal(what.this)))
        made = Call("and", (made, Call("not", (Call("is_null", (inner,)),))))
    else:
        raise refused(found)
    return Call("not", (made,)) if found.args.get("negate") else made


def is_in(found: Any) -> Node:
    if found.args.get("query") is not None or not found.expressions:
        raise refused(found)
    return Call("in", (node(found.this), *map(node, found.expressions)))


def between(found: Any) -> Node:
    if found.args.get("symmetric"):
        raise refused(found)
    return Call("between", (node(found.this), node(found.args["low"]), node(found.args["high"])))


def called(found: Any) -> Node:
    name = FUNCTIONS.get(str(found.this).upper())
    arguments = found.expressions
    if name in ("match", "similar") and len(arguments) == 1:
        return Call(name, (node(arguments[0]),))
    if name in ("any", "all") and len(arguments) == 2:
        over = arguments[0]
        if isinstance(over, exp.Column) and over.name.lower() == "judgment":
            return Call(name, (node(arguments[1]),))
    raise refused(found)


TAKEN: dict[Any, Callable[[Any], Node]] = {
    exp.And: joined("and"),
    exp.Or: joined("or"),
    exp.Not: lambda found: Call("not", (node(found.this),)),
    exp.Column: column,
    exp.Dot: lambda found: dotted(found),
    exp.Literal: literal,
    exp.Boolean: lambda found: Literal(bool(found.this)),
    exp.Null: lambda _: Literal(None),
    exp.Neg: negated,
    exp.Is: is_something,
    exp.In: is_in,
    exp.Between: lambda found: between(found),
    exp.Anonymous: called,
}


def dotted(found: Any) -> Node:
    """A path of more than four names."""
    before = node(found.this)
    if not isinstance(before, Field) or not isinstance(found.expression, exp.Identifier):
        raise refused(found)
    return Field(f"{before.path}.{found.expression.name}", before.at)
