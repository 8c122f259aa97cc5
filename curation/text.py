"""Messages as the plain text that signals read."""

from collections.abc import Mapping, Sequence
from typing import Any

ROLE_NAMES = {"user": "Human", "assistant": "Assistant", "system": "System", "tool": "Tool"}


def content_text(content: Any) -> str:
    """The text of one message's content: a string, or the text parts of a multimodal list."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part["text"]) for part in content if part.get("type") == "text")
    return ""


def render(messages: Sequence[Mapping[str, Any]]) -> str:
    """One user message as it is; a dialogue with `Human:` and `Assistant:` before each turn."""
    if len(messages) == 1 and messages[0]["role"] in ("user", "assistant"):
        return content_text(messages[0].get("content"))
    turns = ((message["role"], content_text(message.get("content"))) for message in messages)
    return "\n\n".join(f"{ROLE_NAMES.get(role, role)}: {text}" for role, text in turns)
