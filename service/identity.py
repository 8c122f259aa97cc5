"""Content ids: the same content has the same id, everywhere and always."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from struct import Struct
from typing import Any

import orjson

length = Struct(">Q").pack


def content_id(kind: bytes, *parts: bytes) -> bytes:
    """16 bytes of BLAKE2b over the parts, each with its length: none can run into another."""
    whole = b"".join([length(len(part)) + part for part in parts])
    return blake2b(whole, digest_size=16, person=kind).digest()


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def prompt_id(messages: Sequence[Mapping[str, Any]]) -> bytes:
    return content_id(b"prompt", canonical(messages))


def response_id(prompt: bytes, content: bytes, model: str | None, twin: int) -> bytes:
    """`twin` counts responses of one record that say the same, so that each keeps its labels."""
    parts = (prompt, content, (model or "").encode(), twin.to_bytes(4, "big"))
    return content_id(b"response", *parts)


def annotator_id(kind: str, name: str) -> bytes:
    return content_id(b"annotator", kind.encode(), name.encode())


def pair_id(file: bytes, line: int, ordinal: int, chosen: bytes, rejected: bytes) -> bytes:
    """`chosen` and `rejected` are response ids; `file` is the upload's sha256."""
    place = line.to_bytes(8, "big") + ordinal.to_bytes(4, "big")
    return content_id(b"pair", file, place, chosen, rejected)


def pair_content_id(prompt: bytes, chosen: bytes, rejected: bytes) -> bytes:
    """The same for a pair and its contradiction: the two contents are unordered."""
    return content_id(b"content", prompt, *sorted((chosen, rejected)))
