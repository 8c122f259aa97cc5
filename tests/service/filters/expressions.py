"""Random filters of the right types, and their meaning computed in plain Python."""

import re
from typing import Any

from hypothesis import strategies as st

from service.filters.tree import Call, Field, Literal, Node

NUMBERS = ("votes", "agreement", "margin", "chosen.length", "rejected.length", "prompt.turns")
TEXTS = ("chosen.model", "rejected.text", "chosen.text", "prompt.text")
VALUES = st.one_of(st.integers(-3, 6), st.floats(-2, 5).map(lambda value: round(value, 2)))
WORDS = st.sampled_from(["yes", "no", "a", "m1", "m2", "", "tie", "maybe yes", "p1", "ü%_"])
PATTERNS = st.sampled_from(["%", "y%", "%e%", "_", "m_", "no", "%ü%", "Y%", "a\\%"])


def numbers(depth: int = 2) -> st.SearchStrategy[Node]:
    leaf = st.one_of(st.sampled_from(NUMBERS).map(Field), VALUES.map(Literal))
    if depth == 0:
        return leaf
    below = numbers(depth - 1)
    joined = st.tuples(st.sampled_from(["+", "-", "*", "/"]), below, below).map(
        lambda made: Call(made[0], made[1:])
    )
    return st.one_of(leaf, joined, below.map(lambda inner: Call("negate", (inner,))))


def texts() -> st.SearchStrategy[Node]:
    return st.one_of(st.sampled_from(TEXTS).map(Field), WORDS.map(Literal))


def of_metadata() -> st.SearchStrategy[Node]:
    path = st.sampled_from(["metadata.n", "metadata.tag", "metadata.deep.er", "metadata.none"])
    value = st.one_of(VALUES, WORDS, st.booleans()).map(Literal)
    operator = st.sampled_from(["=", "<>", "<", ">="])
    return st.tuples(operator, path.map(Field), value).map(lambda made: Call(made[0], made[1:]))


def leaves() -> st.SearchStrategy[Node]:
    operator = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])

    def call(*parts: Any) -> st.SearchStrategy[Node]:
        return st.tuples(*parts).map(lambda made: Call(made[0], tuple(made[1:])))

    listed = st.tuples(numbers(1), st.lists(VALUES.map(Literal), min_size=1, max_size=4))
    return st.one_of(
        call(operator, numbers(), numbers()),
        call(operator, texts(), texts()),
        call(st.just("between"), numbers(1), numbers(1), numbers(1)),
        listed.map(lambda made: Call("in", (made[0], *made[1]))),
        call(st.just("is_null"), st.one_of(numbers(1), texts(), st.just(Field("metadata.tag")))),
        call(st.sampled_from(["like", "ilike"]), texts(), PATTERNS.map(Literal)),
        of_metadata(),
        searches().map(lambda said: Call("match", (Literal(said),))),
        st.booleans().map(Literal),
    )


def searches() -> st.SearchStrategy[str]:
    """What MATCH takes: words, phrases, what must not be there, and alternatives."""
    words = st.sampled_from(["yes", "no", "maybe", "a", "p1", "P3", "ü", "nowhere"])
    phrase = st.lists(words, min_size=1, max_size=3).map(lambda made: f'"{" ".join(made)}"')
    term = st.tuples(st.sampled_from(["", "", "-"]), st.one_of(words, phrase)).map("".join)
    together = st.lists(term, min_size=1, max_size=3).map(" ".join)
    return st.lists(together, min_size=1, max_size=3).map(" or ".join)


def judged() -> st.SearchStrategy[Node]:
    conditions = st.one_of(
        st.sampled_from(["chosen", "rejected", "tie", "both_bad"]).map(
            lambda value: Call("=", (Field("outcome"), Literal(value)))
        ),
        st.sampled_from(["ann", "bob"]).map(
            lambda value: Call("=", (Field("annotator.name"), Literal(value)))
        ),
        st.sampled_from(["comparison", "ranking", "rating"]).map(
            lambda value: Call("=", (Field("label"), Literal(value)))
        ),
        st.just(Call("is_null", (Field("aspect"),))),
        VALUES.map(lambda value: Call(">", (Field("strength"), Literal(value)))),
    )
    both = st.tuples(st.sampled_from(["and", "or"]), conditions, conditions).map(
        lambda made: Call(made[0], made[1:])
    )
    inner = st.one_of(conditions, both, conditions.map(lambda each: Call("not", (each,))))
    return st.tuples(st.sampled_from(["any", "all"]), inner).map(
        lambda made: Call(made[0], (made[1],))
    )


def conditions() -> st.SearchStrategy[Node]:
    return st.recursive(
        st.one_of(leaves(), judged()),
        lambda inner: st.one_of(
            inner.map(lambda each: Call("not", (each,))),
            st.tuples(st.sampled_from(["and", "or"]), inner, inner).map(
                lambda made: Call(made[0], made[1:])
            ),
        ),
        max_leaves=6,
    )


def meaning(node: Node, row: dict[str, Any]) -> Any:
    """The value of a filter for one pair: SQL's three truth values, None for unknown."""
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Field):
        return row.get(node.path)
    name = node.operator
    if name in ("any", "all"):
        found = [meaning(node.arguments[0], {**row, **each}) for each in row["judgments"]]
        return True in found if name == "any" else all(each is True for each in found)
    values = [meaning(each, row) for each in node.arguments]
    if name == "similar":
        return row["similar"][values[0]]
    if name == "match":
        return found_in(row["words"], values[0])
    if name == "is_null":
        return values[0] is None
    if name in ("not", "and", "or"):
        return logic(name, values)
    if other_kind(node.arguments[0], values):
        return None
    if name == "in":
        return None if values[0] is None else values[0] in values[1:]
    return between_unknown(name, values) if None in values else applied(name, values)


def words_of(*texts: str) -> list[str]:
    """Of plain texts, as PostgreSQL's configuration `simple` takes them apart."""
    return re.findall(r"[^\W_]+", " ".join(texts).lower())


def found_in(words: list[str], said: str) -> bool:
    """Whether these words, in this order, are what is searched for."""
    places = {" ".join(words[at : at + n]) for n in (1, 2, 3) for at in range(len(words))}
    return any(
        all(
            (term[1] or term[2]).lower() in places
            if not term[0]
            else (term[1] or term[2]).lower() not in places
            for term in re.findall(r'(-?)(?:"([^"]*)"|([^\s"-]+))', part)
        )
        for part in said.split(" or ")
    )


def logic(name: str, values: list[Any]) -> bool | None:
    if name == "not":
        return None if values[0] is None else not values[0]
    stop = name == "or"
    return stop if stop in values else None if None in values else not stop


def other_kind(first: Node, values: list[Any]) -> bool:
    """Whether metadata is of another kind than what it is compared with: unknown."""
    if not isinstance(first, Field) or not first.path.startswith("metadata."):
        return False
    kinds = [bool if isinstance(each, bool) else str if isinstance(each, str) else float
             for each in values]  # fmt: skip
    return kinds[0] != kinds[1]


def between_unknown(name: str, values: list[Any]) -> bool | None:
    """x BETWEEN NULL AND 1 is false where x > 1."""
    if name == "between" and values[0] is not None:
        value, low, high = values
        if (low is not None and value < low) or (high is not None and value > high):
            return False
    return None


def applied(name: str, values: list[Any]) -> Any:
    left: Any = values[0]
    right: Any = values[1] if len(values) > 1 else None
    if name == "negate":
        return -left
    if name == "between":
        return values[1] <= left <= values[2]
    if name in ("like", "ilike"):
        return like(left, right, name == "ilike")
    if name == "/":
        return None if right == 0 else left / right
    return {
        "+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right,
        "=": lambda: left == right, "<>": lambda: left != right, "<": lambda: left < right,
        "<=": lambda: left <= right, ">": lambda: left > right, ">=": lambda: left >= right,
    }[name]()  # fmt: skip


def like(text: str, pattern: str, any_case: bool) -> bool:
    parts = re.split(r"(\\.|%|_)", pattern)
    special = {"%": ".*", "_": "."}
    regex = "".join(special.get(part) or re.escape(part.removeprefix("\\")) for part in parts)
    return re.fullmatch(regex, text, re.DOTALL | (re.IGNORECASE if any_case else 0)) is not None
