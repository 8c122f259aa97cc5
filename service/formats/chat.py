"""Conversations with what people said of their turns: WildChat, ShareGPT, OpenAI messages."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from service.formats.faithful import faithful, unsaid
from service.formats.fields import decoded, items, messages, required, text
from service.formats.format import Format
from service.formats.label_columns import identifier, rating
from service.formats.native import read_feedback, read_rating, write_label, write_rating
from service.formats.published import others
from service.formats.ranked import rest_of
from service.formats.ratings import THUMBS, thumb
from service.formats.record import Feedback, Message, Rating, Record, RowError
from service.formats.sharegpt import is_turns, read_turns
from service.formats.thumbs import SCALE

TURNS = ("conversation", "conversations", "messages")
IDS = ("conversation_id", "conversation_hash", "id")
# What a message says to a model; the rest is about it: a language, a time, a moderation.
SPOKEN = ("role", "content", "name", "tool_calls", "tool_call_id")
JUDGED = (*THUMBS, "rating", "ratings", "feedback")
REST = "conversation_rest"


class Chat(Format):
    name: ClassVar[str] = "chat"
    description: ClassVar[str] = "Conversations, with thumbs, ratings and feedback about turns"
    columns: ClassVar[tuple[str, ...]] = ("conversation_id", "conversation")

    def recognise(self, rows: Sequence[dict[str, Any]]) -> float:
        return sum(map(likeness, rows)) / len(rows) if rows else 0.0

    def read(self, row: dict[str, Any]) -> Record:
        column = next((name for name in TURNS if row.get(name) is not None), TURNS[0])
        value = decoded(required(row, column))
        given = read_turns(value, column) if is_turns(value) else messages(value, column)
        ratings: list[Rating] = []
        feedback: list[Feedback] = []
        for turn, said in enumerate(given):
            field = f"{column}[{turn}]"
            ratings += ratings_of(said, turn, field)
            feedback += feedback_of(said, turn, field)
        rest = [others(said, *SPOKEN, *JUDGED) for said in given]
        id = next((name for name in IDS if row.get(name) is not None), IDS[0])
        extra = others(row, column, id)
        return Record(
            [{key: said[key] for key in SPOKEN if key in said} for said in given],
            ratings=tuple(ratings),
            feedback=tuple(feedback),
            record_id=identifier(row, id),
            extra=extra | ({REST: rest} if any(rest) else {}),
        )

    def write(self, record: Record) -> list[dict[str, Any]]:
        about = [label.turn for label in (*record.ratings, *record.feedback)]
        if any(turn not in range(len(record.messages)) for turn in about):
            raise unsaid(self, "a label is about no turn")
        rest = rest_of(record.extra.get(REST), len(record.messages))
        turns = [
            {**said, **more, **labels(record, turn)}
            for turn, (said, more) in enumerate(zip(record.messages, rest, strict=True))
        ]
        row = {"conversation_id": record.record_id, "conversation": turns}
        return faithful(self, record, [row | others(record.extra, REST)])


def likeness(row: dict[str, Any]) -> float:
    if row.keys() & {"chosen", "rejected", "completion", "kto_tag", "responses", "prompt"}:
        return 0.0
    for name in TURNS:
        value = decoded(row.get(name))
        if isinstance(value, list) and value:
            spoken = all(isinstance(m, dict) and {"role", "content"} <= m.keys() for m in value)
            return 0.6 if spoken or is_turns(value) else 0.0
    return 0.0


def ratings_of(said: Message, turn: int, field: str) -> Iterator[Rating]:
    """Thumbs, a number, and `ratings`: [{value, aspect, scale, annotator, …}]."""
    for name in THUMBS:
        value = thumb(said.get(name), f"{field}.{name}")
        if value is not None:
            yield Rating(value=value, turn=turn, scale=SCALE)
    if said.get("rating") is not None:
        given = said["rating"]
        item = given if isinstance(given, dict) else {"value": given}
        yield from given_rating(item, turn, f"{field}.rating")
    for index, item in enumerate(items(said, "ratings")):
        yield from given_rating(item, turn, f"{field}.ratings[{index}]")


def given_rating(item: dict[str, Any], turn: int, field: str) -> Iterator[Rating]:
    """None for a missing value, also for one that is written as text."""
    value = rating(item.get("value"), f"{field}.value")
    if value is not None:
        label = read_rating(others(item, "response") | {"value": value}, field, set())
        yield replace(label, turn=turn)


def feedback_of(said: Message, turn: int, field: str) -> Iterator[Feedback]:
    """`feedback`: a text, or {kind, label, text, annotator, …}, or a list of those."""
    given = said.get("feedback")
    if given is None:
        return
    for index, each in enumerate(given if isinstance(given, list) else [given]):
        at = f"{field}.feedback[{index}]"
        if each == "":
            continue
        if isinstance(each, str):
            yield Feedback(turn=turn, text=text(each, at))
        elif isinstance(each, dict):
            yield read_feedback(each | {"turn": turn}, at)
        else:
            raise RowError("wrong_type", f"{at} must be a text or an object", at)


def labels(record: Record, turn: int) -> dict[str, Any]:
    rated = [others(write_rating(label), "turn") for label in record.ratings if label.turn == turn]
    said = [
        {"kind": label.kind, "label": label.label, "text": label.text, **write_label(label)}
        for label in record.feedback
        if label.turn == turn
    ]
    found = {"ratings": rated, "feedback": [without_gaps(each) for each in said]}
    return {name: value for name, value in found.items() if value}


def without_gaps(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if value is not None}
