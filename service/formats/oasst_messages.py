"""A message of OpenAssistant's: who speaks, what it says, and the labels that it was given."""

from typing import Any

from service.formats.fields import optional_text, required, text
from service.formats.label_columns import name_of, rating
from service.formats.record import Message, Response, RowError

ROLES = {"prompter": "user", "assistant": "assistant"}
LABELS = (0.0, 1.0)  # the scale of every label


def role_of(node: dict[str, Any], field: str) -> str:
    role = node.get("role")
    if role not in list(ROLES):
        raise RowError("wrong_type", f"{field}.role is {role!r}"[:200], f"{field}.role")
    return ROLES[str(role)]


def said_by(node: dict[str, Any], field: str) -> Message:
    content = text(required(node, "text"), f"{field}.text")
    return {"role": role_of(node, field), "content": content}


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
