"""Subsets put together of the same ones over and over: each is said, and made, once."""

from typing import Any

import orjson
import pytest

from service.composing.lineage import from_wish, written_once

ONE: dict[str, Any] = {"recipe": {"id": "random"}, "budget": "10%", "seed": 0}
TWO = {**ONE, "seed": 1}


def union(*parents: Any) -> dict[str, Any]:
    return {"operation": "union", "of": written_once(parents)}


def test_a_wish_that_occurs_again_is_named_by_its_digest() -> None:
    first = union(ONE, TWO)
    assert first["of"] == [ONE, TWO]
    again = union(first, TWO)
    assert again["of"][0] == first
    assert [*again["of"][1]] == ["same_as"]
    assert union(again, TWO)["of"][1] == again["of"][1]  # whatever stands in for it


def test_it_grows_by_a_line_a_level_and_each_wish_is_made_once() -> None:
    wish, sizes = union(ONE, TWO), list[int]()
    for _ in range(30):
        wish = union(wish, ONE)
        sizes.append(len(orjson.dumps(wish)))
    assert sizes[-1] - sizes[-2] == sizes[1] - sizes[0] < 150
    made: list[list[str]] = []

    def make(_: Any, parents: list[str]) -> str:
        made.append(parents)
        return f"id {len(made)}"

    assert from_wish(wish, make) == "id 33"
    assert made[:4] == [[], [], ["id 1", "id 2"], ["id 3", "id 1"]]


def test_equal_parents_are_two_subsets() -> None:
    made: list[list[str]] = []

    def make(_: Any, parents: list[str]) -> str:
        made.append(parents)
        return f"id {len(made)}"

    assert from_wish(union(ONE, ONE), make) == "id 3"
    assert made[-1] == ["id 1", "id 2"]


def test_a_manifest_of_before_that_repeats_its_wishes_is_read_alike() -> None:
    old = {"operation": "minus", "of": [{"operation": "union", "of": [ONE, TWO]}, TWO]}
    made: list[Any] = []

    def make(wish: Any, _: list[str]) -> str:
        made.append(wish)
        return f"id {len(made)}"

    from_wish(old, make)
    assert len(made) == 4
    with pytest.raises(LookupError):
        from_wish({"operation": "union", "of": [ONE, {"same_as": "0" * 64}]}, make)
