"""What two prompts can share: their words, or the beginning of one conversation."""

import json
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from curation.text import render

Messages = Sequence[Mapping[str, Any]]


def prompt_text(messages: Messages) -> str:
    """The rendered text, and what is no text (an image's address) as JSON."""
    others = [
        part
        for message in messages
        if isinstance(message.get("content"), list)
        for part in message["content"]
        if part.get("type") != "text"
    ]
    said = json.dumps(others, sort_keys=True) if others else ""
    return f"{render(messages)}\n{said}" if said else render(messages)


def root_key(messages: Messages) -> str:
    """The same for every prompt of one conversation tree: what the user said first.

    System messages don't count: the same question under two of them is one tree.
    """
    asked = [message for message in messages if message["role"] != "system"] or list(messages)
    return json.dumps(asked[0].get("content") if asked else None, sort_keys=True)


def by_key(keys: Iterable[Hashable]) -> Iterator[tuple[int, ...]]:
    """Groups (of two and more) of the indices that have the same key."""
    found: dict[Hashable, list[int]] = {}
    for index, key in enumerate(keys):
        found.setdefault(key, []).append(index)
    return (tuple(group) for group in found.values() if len(group) > 1)
