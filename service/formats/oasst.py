"""OpenAssistant's conversation trees (arXiv:2304.07327): a record for each prompt with answers."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from service.formats.faithful import faithful, unsaid
from service.formats.fields import integer, items, optional_text, required, text
from service.formats.format import Format
from service.formats.label_columns import name_of, rating
from service.formats.published import others
from service.formats.ranked import rest_of
from service.formats.record import Message, Ranking, Rating, Record, Response, RowError

ROLES = {"prompter": "user", "assistant": "assistant"}
SPEAKERS = {role: speaker for speaker, role in ROLES.items()}
LABELS = (0.0, 1.0)  # the scale of every label
READ = ("text", "role", "replies")
REPLY = (*READ, "message_id", "rank", "model_name", "labels")
LENGTH = "prompt_length"  # in messages, of the one prompt that a row we wrote is about
PATH, ANSWERS = "path_rest", "replies_rest"  # what messages say besides


class OasstTrees(Format):
    name: ClassVar[str] = "oasst"
    description: ClassVar[str] = "OpenAssistant trees: replies with ranks and labels, or flat rows"
    columns: ClassVar[tuple[str, ...]] = ("message_tree_id", "tree_state", "prompt")

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        found = [row for row in rows if is_tree(row) or is_flat(row)]
        return len(found) / len(rows) if rows else 0.0

    def read_all(self, row: dict[str, Any]) -> Sequence[Record]:
        if not isinstance(row.get("prompt"), dict):
            return (read_flat(row),)
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

    def write(self, record: Record) -> list[dict[str, Any]]:
        if is_alone(record):
            return faithful(self, record, [flat(record)])
        if not record.messages or record.messages[-1].get("role") != "user":
            raise unsaid(self, "the last message is not the prompter's")
        shared = others(record.extra, PATH, ANSWERS)
        first, *more = record.rankings or [Ranking()]
        roots = [tree(record, first, record.ratings), *(tree(record, each, ()) for each in more)]
        id = record.extra.get("message_tree_id", record.record_id)
        length = len(record.messages) if len(record.messages) > 1 else None
        row = {"message_tree_id": id, LENGTH: length, **shared}
        return faithful(self, record, [{**row, "prompt": root} for root in roots])


def is_tree(row: dict[str, Any]) -> bool:
    root = row.get("prompt")
    return isinstance(root, dict) and {"text", "replies"} <= root.keys()


def is_flat(row: dict[str, Any]) -> bool:
    return {"message_id", "text", "role", "message_tree_id"} <= row.keys()


def answered(
    node: dict[str, Any], field: str, before: tuple[dict[str, Any], ...]
) -> Iterator[tuple[tuple[dict[str, Any], ...], list[dict[str, Any]]]]:
    """(the path to it, its answers) of every message of the prompter's that has any."""
    stack = [(node, field, before)]
    while stack:
        node, field, before = stack.pop()
        path, replies = (*before, node), items(node, "replies")
        if role_of(node, field) == "user" and replies:
            yield path, replies
        following = [(each, f"{field}.replies", path) for each in replies]
        stack.extend(reversed(following))


def role_of(node: dict[str, Any], field: str) -> str:
    role = node.get("role")
    if role not in list(ROLES):
        raise RowError("wrong_type", f"{field}.role is {role!r}"[:200], f"{field}.role")
    return ROLES[str(role)]


def said_by(node: dict[str, Any], field: str) -> Message:
    content = text(required(node, "text"), f"{field}.text")
    return {"role": role_of(node, field), "content": content}


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
    return Record(
        messages,
        tuple(responses),
        ratings=tuple(ratings),
        rankings=(Ranking(tiers=[tiers[rank] for rank in sorted(tiers)]),) if tiers else (),
        record_id=None if path[-1].get("message_id") is None else id_of(path[-1], "", "prompt"),
        extra={**shared, **extra},
    )


def id_of(node: dict[str, Any], unnamed: str, field: str) -> str:
    id = node.get("message_id")
    return unnamed if id is None else name_of(id, f"{field}.message_id")


def answer(node: dict[str, Any], id: str, field: str) -> Response:
    model = optional_text(node, "model_name", f"{field}.model_name")
    return Response(id, said_by(node, field)["content"], model=model)


def labels_of(node: dict[str, Any], field: str) -> list[dict[str, Any]]:
    """Each label's mean over its annotators, as a rating: {name: {value, count}}."""
    found = label_table(node.get("labels"), f"{field}.labels")
    return [
        {"aspect": name, "value": value, "scale": LABELS}
        for name, (value, _) in found.items()
        if value is not None
    ]


def label_table(given: Any, field: str) -> dict[str, tuple[float | None, Any]]:
    """(value, count) by name; flat rows hold {name: [], value: [], count: []}."""
    if given is None:
        return {}
    if isinstance(given, dict) and isinstance(given.get("name"), list):
        names, values = given["name"], given.get("value")
        if not isinstance(values, list) or len(values) != len(names):
            raise RowError("wrong_length", f"{field} must have one value a name", field)
        many = given.get("count")
        many = many if isinstance(many, list) and len(many) == len(names) else [None] * len(names)
        rows = zip(names, values, many, strict=True)
        return {name_of(name, field): (rating(value, field), n) for name, value, n in rows}
    if not isinstance(given, dict) or not all(isinstance(each, dict) for each in given.values()):
        raise RowError("wrong_type", f"{field} must be {{name: {{value, count}}}}", field)
    return {
        name: (rating(each.get("value"), f"{field}.{name}"), each.get("count"))
        for name, each in given.items()
    }


def counts(node: dict[str, Any]) -> dict[str, Any]:
    """How many annotators each label has."""
    many = {name: n for name, (_, n) in label_table(node.get("labels"), "labels").items()}
    return {"label_counts": many} if any(n is not None for n in many.values()) else {}


def read_flat(row: dict[str, Any]) -> Record:
    """One message, with what it is an answer to only as its `parent_id`: rows come alone."""
    said, field = said_by(row, "row"), "message_id"
    id = name_of(required(row, "message_id"), field)
    labels = labels_of(row, "row")
    read = ("text", "role", "message_id", "labels")
    if said["role"] == "user":
        ratings = [Rating(**each, turn=0) for each in labels]
        extra = others(row, *read) | counts(row)
        return Record([said], ratings=tuple(ratings), record_id=id, extra=extra)
    ratings = [Rating(**each, response=id) for each in labels]
    extra = others(row, *read, "model_name") | counts(row)
    response = answer(row, id, "row")
    return Record([], (response,), ratings=tuple(ratings), record_id=id, extra=extra)


def is_alone(record: Record) -> bool:
    """Whether this is a message of a flat row."""
    apart = len(record.messages) + len(record.responses) == 1
    return apart and record.extra.keys() >= {"message_tree_id", "parent_id"}


def flat(record: Record) -> dict[str, Any]:
    said = [(each["role"], each.get("content")) for each in record.messages]
    said += [("assistant", each.text) for each in record.responses]
    many = record.extra.get("label_counts")
    table = {
        "name": [label.aspect for label in record.ratings],
        "value": [label.value for label in record.ratings],
        "count": [count_of(many, label) for label in record.ratings],
    }
    [(role, content)] = said
    model = record.responses[0].model if record.responses else None
    return {
        **others(record.extra, "label_counts"),
        "message_id": record.record_id,
        "role": SPEAKERS.get(role),
        "text": content,
        "model_name": model,
        "labels": table if record.ratings else None,
    }


def count_of(many: Any, label: Rating) -> Any:
    return many.get(label.aspect) if isinstance(many, dict) else None


def tree(record: Record, ranking: Ranking, ratings: Sequence[Rating]) -> dict[str, Any]:
    """A chain of the prompt's messages that ends in the answers, as a tree's root."""
    rest = rest_of(record.extra.get(PATH), len(record.messages))
    more = rest_of(record.extra.get(ANSWERS), len(record.responses))
    ranks = {id: rank for rank, tier in enumerate(ranking.tiers) for id in tier}
    asked = [label for label in ratings if label.response is None]
    nodes: list[dict[str, Any]] = [
        reply(response, ranks, [each for each in ratings if each.response == response.id], left)
        for response, left in zip(record.responses, more, strict=True)
    ]
    for place in reversed(range(len(record.messages))):
        said, last = record.messages[place], place == len(record.messages) - 1
        named: dict[str, Any] = {"message_id": record.record_id} if last else {}
        if last and asked:
            named["labels"] = written_labels(asked, rest[place].get("label_counts"))
        own = {"text": said.get("content"), "role": SPEAKERS.get(said["role"]), "replies": nodes}
        nodes = [{**others(rest[place], "label_counts"), **named, **own}]
    return {name: value for name, value in nodes[0].items() if value is not None}


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
    return {name: value for name, value in found.items() if value is not None}


def written_labels(labels: Sequence[Rating], many: Any) -> dict[str, Any]:
    return {
        str(label.aspect): {"value": label.value, "count": count_of(many, label)}
        for label in labels
    }
