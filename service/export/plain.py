"""Messages as the columns of trainers hold them: a role and a plain text each."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import pyarrow as pa

from curation.text import content_text
from service.formats.record import Message, RowError

MESSAGE: Any = pa.struct([("role", pa.string()), ("content", pa.string())])
MESSAGES: Any = pa.list_(MESSAGE)
PlainMessage: TypeAlias = dict[str, str]


def plain(messages: Sequence[Message]) -> list[PlainMessage]:
    """RowError `not_expressible` for a tool call or a part that is no text: never dropped."""
    for message in messages:
        if message.get("tool_calls"):
            raise RowError("not_expressible", "a tool call has no plain text", "tool_calls")
        content = message.get("content")
        if isinstance(content, list) and any(part.get("type") != "text" for part in content):
            raise RowError("not_expressible", "a part of the content is no text", "content")
    return [
        {"role": message["role"], "content": content_text(message.get("content"))}
        for message in messages
    ]


def only(messages: Sequence[Message]) -> PlainMessage:
    """The one assistant message that an answer is, where the trainer takes no more."""
    said = plain(messages)
    if len(said) != 1 or said[0]["role"] != "assistant":
        raise RowError("not_expressible", "this trainer takes one assistant message an answer")
    return said[0]
