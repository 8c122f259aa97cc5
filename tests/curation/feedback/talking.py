"""Conversations out of plain lines: user and assistant in turn."""

from collections.abc import Mapping, Sequence

from curation.feedback.conversations import Conversation, Message


def talk(
    *said: str,
    id: str = "c",
    place: object = "c",
    user: str | None = None,
    rated: Mapping[int, float] | None = None,
) -> Conversation:
    roles = ("user", "assistant")
    messages: Sequence[Message] = [
        {"role": roles[turn % 2], "content": text} for turn, text in enumerate(said)
    ]
    return Conversation(id, place, messages, user, rated or {})
