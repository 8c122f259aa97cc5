"""Conversations turn by turn: which answers users judged, and what each turn is called."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple, TypeAlias

Key: TypeAlias = bytes  # of all turns up to one: equal for equal beginnings, whatever the file
Message: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One path from the first turn to the last. `place` is equal for the paths of one tree.

    `rated`: what labels say of the answer at a turn, 1 satisfied .. 0 dissatisfied.
    """

    id: str
    place: object
    messages: Sequence[Message]
    user: str | None = None
    rated: Mapping[int, float] = field(default_factory=dict[int, float])

    def keys(self) -> list[Key]:
        found: list[Key] = []
        before = b""
        for said in self.messages:
            digest = blake2b(before, digest_size=16)
            for part in (str(said.get("role")), text_of(said) or repr(said.get("content"))):
                encoded = part.encode("utf-8", "surrogatepass")
                digest.update(len(encoded).to_bytes(8, "big") + encoded)
            before = digest.digest()
            found.append(before)
        return found


class Said(NamedTuple):
    """A user's turn after an answer. `answer` and `key` name the conversation up to each of them.

    `rated`: what the data's own labels say of the answer.
    """

    key: Key
    answer: Key
    turn: int
    text: str
    conversation: str
    rated: float | None = None


def judgments(conversation: Conversation) -> Iterator[Said]:
    """The user's turns that can be about the answer before them. A request comes first."""
    keys, messages = conversation.keys(), conversation.messages
    for turn in range(2, len(messages)):
        text = text_of(messages[turn])
        roles = [messages[turn - 1].get("role"), messages[turn].get("role")]
        if roles == ["assistant", "user"] and text is not None and is_asked(messages[: turn - 1]):
            rated = conversation.rated.get(turn - 1)
            yield Said(keys[turn], keys[turn - 1], turn, text, conversation.id, rated)


def is_asked(before: Sequence[Message]) -> bool:
    """Whether somebody asked for the answer."""
    return bool(before) and before[-1].get("role") == "user"


def text_of(message: Message) -> str | None:
    """Plain text that says something; None for calls of tools, images and blanks."""
    content = message.get("content")
    plain = isinstance(content, str) and content.strip() and not message.get("tool_calls")
    return content if plain else None
