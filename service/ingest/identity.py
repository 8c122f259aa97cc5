"""Content ids: the same content has the same id, everywhere and always."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from struct import Struct
from typing import Any

import orjson

length = Struct(">Q").pack
# The lengths of parts that always have the same: hashing is a good part of an ingest's time.
L12, L16, L32 = length(12), length(16), length(32)
FIRST_OF_NO_MODEL = length(0) + length(4) + bytes(4)


def content_id(kind: bytes, *parts: bytes) -> bytes:
    """16 bytes of BLAKE2b over the parts, each with its length: none can run into another."""
    return hashed(kind, b"".join([length(len(part)) + part for part in parts]))


def hashed(kind: bytes, whole: bytes) -> bytes:
    return blake2b(whole, digest_size=16, person=kind).digest()


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def prompt_id(messages: Sequence[Mapping[str, Any]]) -> bytes:
    return content_id(b"prompt", canonical(messages))


def response_id(prompt: bytes, content: bytes, model: str | None, twin: int) -> bytes:
    """`twin` counts responses of one record that say the same, so that each keeps its labels."""
    if not model and not twin:  # most of them
        return hashed(b"response", L16 + prompt + L16 + content + FIRST_OF_NO_MODEL)
    parts = (prompt, content, (model or "").encode(), twin.to_bytes(4, "big"))
    return content_id(b"response", *parts)


def annotator_id(kind: str, name: str) -> bytes:
    return content_id(b"annotator", kind.encode(), name.encode())


def pair_id(file: bytes, line: int, ordinal: int, chosen: bytes, rejected: bytes) -> bytes:
    """`chosen` and `rejected` are response ids; `file` is the upload's sha256."""
    place = L12 + line.to_bytes(8, "big") + ordinal.to_bytes(4, "big")
    return hashed(b"pair", L32 + file + place + L16 + chosen + L16 + rejected)


def pair_content_id(prompt: bytes, chosen: bytes, rejected: bytes) -> bytes:
    """The same for a pair and its contradiction: the two contents are unordered."""
    one, two = (chosen, rejected) if chosen < rejected else (rejected, chosen)
    return hashed(b"content", L16 + prompt + L16 + one + L16 + two)


def built_pair_id(policy: str, prompt: str, pair: Sequence[Any], occurrence: int) -> bytes:
    """The same policy over the same labels builds pairs of the same ids.

    `pair` is the whole `BuiltPair`: the two responses and what speaks for them. `occurrence` counts
    equal pairs of a prompt, as single judgments give.
    """
    said = canonical([prompt, list(pair), occurrence])
    return content_id(b"built", policy.encode(), said)
