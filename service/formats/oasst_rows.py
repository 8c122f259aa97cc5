"""OpenAssistant's flat rows: the messages of one `message_tree_id` as the tree that they make."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.formats.fields import required
from service.formats.format import Joined
from service.formats.label_columns import name_of, rating
from service.formats.oasst_messages import ROLES, answer, labels_of
from service.formats.published import others
from service.formats.record import RowError

MAX_DEPTH = 200  # messages from the first one to the last answer
TREE = ("message_tree_id", "tree_state")  # columns of the tree, not of its messages


def is_flat(row: dict[str, Any]) -> bool:
    return {"message_id", "text", "role", "message_tree_id"} <= row.keys()


def tree_of(rows: Sequence[dict[str, Any]]) -> Joined:
    """The tree in the nested form, in any order of its rows; and why single rows are not in it."""
    errors: dict[int, RowError] = {}
    places: dict[str, int] = {}
    for place, row in enumerate(rows):
        try:
            id = checked(row)
            if id in places:
                raise RowError("duplicate_id", f"two messages are called {id}"[:200], "message_id")
            places[id] = place
        except RowError as error:
            errors[place] = error
    found = {id: rows[place] for id, place in places.items()}
    roots = [id for id, row in found.items() if row.get("parent_id") is None]
    named = str(rows[0]["message_tree_id"])
    root = named if named in roots else next(iter(roots), None)
    nodes = {id: {**others(row, *TREE), "replies": []} for id, row in found.items()}
    reached = {root} | {id for id, _ in attached(nodes, root)} if root else set[str]()
    errors |= {places[id]: orphan(row) for id, row in found.items() if id not in reached}
    if root is None:
        return Joined(None, errors)
    shared = {name: found[root][name] for name in TREE if name in found[root]}
    return Joined({**shared, "prompt": nodes[root]}, dict(sorted(errors.items())))


def checked(row: dict[str, Any]) -> str:
    """The id of a message that can be read; RowError names its column."""
    try:
        answer(row, "", "row")
        labels_of(row, "row")
        rating(row.get("rank"), "row.rank")
    except RowError as error:
        field = (error.field or "").removeprefix("row.")
        raise RowError(error.code, error.message.removeprefix("row."), field) from None
    return name_of(required(row, "message_id"), "message_id")


def attached(
    nodes: Mapping[str, dict[str, Any]], root: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Puts each message under its parent, from the first one down, and yields it.

    One that does not answer the other side, or lies too deep, stays out with all below it.
    """
    children: dict[str, list[str]] = defaultdict(list)
    for id, node in nodes.items():
        if node.get("parent_id") is not None:
            children[str(node["parent_id"])].append(id)
    level = [root]
    for _ in range(MAX_DEPTH):
        below: list[str] = []
        for id in level:
            for child in children[id]:
                if ROLES[nodes[child]["role"]] != ROLES[nodes[id]["role"]]:
                    nodes[id]["replies"].append(nodes[child])
                    below.append(child)
                    yield child, nodes[child]
        level = below


def orphan(row: dict[str, Any]) -> RowError:
    parent = row.get("parent_id")
    if parent is None:
        detail = "a second first message in the rows of one message_tree_id"
    else:
        detail = (
            f"its parent {parent} is not in the tree that the rows around it make: "
            "rows of one message_tree_id follow each other, and speakers take turns"
        )
    return RowError("orphan_message", detail[:300], "parent_id")
