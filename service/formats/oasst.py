"""OpenAssistant's conversation trees (arXiv:2304.07327): a record for each prompt with answers."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from service.formats.faithful import faithful, unsaid
from service.formats.fields import integer, items
from service.formats.format import Format, Joined
from service.formats.label_columns import rating
from service.formats.oasst_messages import (
    ROLES,
    answer,
    counts,
    id_of,
    labels_of,
    role_of,
    said_by,
)
from service.formats.oasst_rows import is_flat, tree_of
from service.formats.published import others
from service.formats.ranked import rest_of
from service.formats.record import Ranking, Rating, Record, Response, RowError

SPEAKERS = {role: speaker for speaker, role in ROLES.items()}
READ = ("text", "role", "replies")
REPLY = (*READ, "message_id", "rank", "model_name", "labels")
LENGTH = "prompt_length"  # in messages, of the one prompt that a row we wrote is about
PATH, ANSWERS = "path_rest", "replies_rest"  # what messages say besides
UNANSWERED = "unanswered"  # what the prompter said last, by the answer that it is about


class OasstTrees(Format):
    name: ClassVar[str] = "oasst"
    description: ClassVar[str] = "OpenAssistant trees: replies with ranks and labels, or flat rows"
    columns: ClassVar[tuple[str, ...]] = ("message_tree_id", "tree_state", "prompt")

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        found = [row for row in rows if is_tree(row) or is_flat(row)]
        return len(found) / len(rows) if rows else 0.0

    def read_all(self, row: dict[str, Any]) -> Sequence[Record]:
        if not isinstance(row.get("prompt"), dict):
            raise RowError("missing_field", "prompt must be a message with replies", "prompt")
        shared = others(row, "prompt", LENGTH)
        only = None if row.get(LENGTH) is None else integer(row[LENGTH], LENGTH)
        return [
            record_of(path, replies, shared)
            for path, replies in answered(row["prompt"], "prompt", ())
            if only in (None, len(path))
        ]

    def read(self, row: dict[str, Any]) -> Record:
        records = self.read_all(row)
        if not records:
            raise RowError("missing_field", "no message of this tree has an answer", "prompt")
        return records[0]

    def group(self, row: dict[str, Any]) -> str | None:
        return str(row["message_tree_id"]) if is_flat(row) else None

    def join(self, rows: Sequence[dict[str, Any]]) -> Joined:
        return Joined(rows[0], {}) if is_tree(rows[0]) else tree_of(rows)

    def write(self, record: Record) -> list[dict[str, Any]]:
        if not record.messages or record.messages[-1].get("role") != "user":
            raise unsaid(self, "the last message is not the prompter's")
        shared = others(record.extra, PATH, ANSWERS, UNANSWERED)
        first, *more = record.rankings or [Ranking()]
        roots = [tree(record, first, record.ratings), *(tree(record, each, ()) for each in more)]
        id = record.extra.get("message_tree_id", record.record_id)
        length = len(record.messages) if len(record.messages) > 1 else None
        row = {"message_tree_id": id, LENGTH: length, **shared}
        return faithful(self, record, [{**row, "prompt": root} for root in roots])


def is_tree(row: dict[str, Any]) -> bool:
    root = row.get("prompt")
    return isinstance(root, dict) and {"text", "replies"} <= root.keys()


def answered(
    node: dict[str, Any], field: str, before: tuple[dict[str, Any], ...]
) -> Iterator[tuple[tuple[dict[str, Any], ...], list[dict[str, Any]]]]:
    """(the path to it, its answers) of every message of the prompter's with answers or labels."""
    stack = [(node, field, before)]
    while stack:
        node, field, before = stack.pop()
        path, replies = (*before, node), items(node, "replies")
        if role_of(node, field) == "user" and (replies or node.get("labels")):
            yield path, replies
        following = [(each, f"{field}.replies", path) for each in replies]
        stack.extend(reversed(following))


def record_of(
    path: Sequence[dict[str, Any]], replies: Sequence[dict[str, Any]], shared: dict[str, Any]
) -> Record:
    messages = [said_by(node, "prompt") for node in path]
    ratings = [Rating(**each, turn=len(path) - 1) for each in labels_of(path[-1], "prompt")]
    responses: list[Response] = []
    tiers: dict[float, list[str]] = {}
    for index, node in enumerate(replies):
        field = f"replies[{index}]"
        if role_of(node, field) != "assistant":
            raise RowError("wrong_type", f"{field} is no answer", f"{field}.role")
        id = id_of(node, f"r{index}", field)
        responses.append(answer(node, id, field))
        ratings += [Rating(**each, response=id) for each in labels_of(node, field)]
        rank = rating(node.get("rank"), f"{field}.rank")
        if rank is not None:
            tiers.setdefault(rank, []).append(id)
    if len({each.id for each in responses}) < len(responses):
        raise RowError("duplicate_id", "two answers have the same message_id", "replies")
    beside = [others(node, *READ) for node in path[:-1]]
    beside.append(others(path[-1], *READ, "labels", "message_id") | counts(path[-1]))
    rest = [others(node, *REPLY) | counts(node) for node in replies]
    extra = {PATH: beside} if any(beside) else {}
    extra |= {ANSWERS: rest} if any(rest) else {}
    last = {each.id: closing(node) for each, node in zip(responses, replies, strict=True)}
    extra |= (
        {UNANSWERED: {id: said for id, said in last.items() if said}} if any(last.values()) else {}
    )
    return Record(
        messages,
        tuple(responses),
        ratings=tuple(ratings),
        rankings=(Ranking(tiers=[tiers[rank] for rank in sorted(tiers)]),) if tiers else (),
        record_id=None if path[-1].get("message_id") is None else id_of(path[-1], "", "prompt"),
        extra={**shared, **extra},
    )


def closing(node: dict[str, Any]) -> list[dict[str, Any]]:
    """What was said after an answer that nobody answered: no prompt, but often a judgment."""
    said = items(node, "replies")
    return [
        others(each, "replies") for each in said if not (each.get("replies") or each.get("labels"))
    ]


def count_of(many: Any, label: Rating) -> Any:
    return many.get(label.aspect) if isinstance(many, dict) else None


def tree(record: Record, ranking: Ranking, ratings: Sequence[Rating]) -> dict[str, Any]:
    """A chain of the prompt's messages that ends in the answers, as a tree's root."""
    rest = rest_of(record.extra.get(PATH), len(record.messages))
    more = rest_of(record.extra.get(ANSWERS), len(record.responses))
    ranks = {id: rank for rank, tier in enumerate(ranking.tiers) for id in tier}
    asked = [label for label in ratings if label.response is None]
    last = record.extra.get(UNANSWERED, {})
    nodes: list[dict[str, Any]] = [
        reply(response, ranks, [each for each in ratings if each.response == response.id], left)
        | {"replies": [{**said, "replies": []} for said in last.get(response.id, ())]}
        for response, left in zip(record.responses, more, strict=True)
    ]
    for place in reversed(range(len(record.messages))):
        said, last = record.messages[place], place == len(record.messages) - 1
        named: dict[str, Any] = {"message_id": record.record_id} if last else {}
        if last and asked:
            named["labels"] = written_labels(asked, rest[place].get("label_counts"))
        own = {"text": said.get("content"), "role": SPEAKERS.get(said["role"]), "replies": nodes}
        nodes = [{**others(rest[place], "label_counts"), **named, **own}]
    return known(nodes[0], rest[0])


def reply(
    response: Response, ranks: dict[str, int], labels: Sequence[Rating], rest: dict[str, Any]
) -> dict[str, Any]:
    found = {
        **others(rest, "label_counts"),
        "message_id": response.id,
        "text": response.text,
        "role": "assistant",
        "rank": ranks.get(response.id),
        "model_name": response.model,
        "labels": written_labels(labels, rest.get("label_counts")) or None,
        "replies": [],
    }
    return known(found, rest)


def known(node: dict[str, Any], rest: dict[str, Any]) -> dict[str, Any]:
    """Without what is None, unless it was given so."""
    return {name: value for name, value in node.items() if value is not None or name in rest}


def written_labels(labels: Sequence[Rating], many: Any) -> dict[str, Any]:
    return {
        str(label.aspect): {"value": label.value, "count": count_of(many, label)}
        for label in labels
    }
