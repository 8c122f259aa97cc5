"""What a subset was put together of, all the way up: a wish that occurs twice is written once.

A wish is a request's body, or `{operation, of: [wishes]}`. Where one has been written before, in
the order of reading, `{same_as: its digest}` stands for it: a subset that is put together of itself
over and over grows by a line each time, not to twice its size.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

SAME_AS = "same_as"
Wish = Mapping[str, Any]


def digest_of(wish: Wish, known: dict[str, Wish]) -> str:
    """Names a wish by what it says, its parents by their digests; all that are written out go into
    `known`."""
    if SAME_AS in wish:
        return wish[SAME_AS]
    body = dict(wish)
    if "operation" in wish:
        body["of"] = [digest_of(parent, known) for parent in wish["of"]]
    named = hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
    known[named] = wish
    return named


def written_once(wishes: Sequence[Wish]) -> list[dict[str, Any]]:
    """The same wishes, each of them and of their parents in full where it occurs first. Raises
    LookupError where something stands for a wish that is nowhere."""
    known: dict[str, Wish] = {}
    names = [digest_of(wish, known) for wish in wishes]
    seen: set[str] = set()

    def written(name: str) -> dict[str, Any]:
        if name in seen:
            return {SAME_AS: name}
        seen.add(name)
        wish = known[name]
        if "operation" not in wish:
            return dict(wish)
        parents = [digest_of(parent, known) for parent in wish["of"]]
        return {**wish, "of": [written(parent) for parent in parents]}

    return [written(name) for name in names]


def from_wish(wish: Wish, make: Callable[[Wish, list[str]], str]) -> str:
    """The id of what `make` makes of the wish and the ids of its parents, each wish once; but no
    subset is put together with itself, so that a parent that comes twice is made twice."""
    known: dict[str, Wish] = {}
    ids: dict[str, str] = {}

    def anew(name: str) -> str:
        parents: list[str] = []
        for each in known[name].get("of", ()):
            parent = digest_of(each, {})
            id = made(parent)
            parents.append(anew(parent) if id in parents else id)
        return make(known[name], parents)

    def made(name: str) -> str:
        if name not in ids:
            ids[name] = anew(name)
        return ids[name]

    return made(digest_of(wish, known))
