"""Signs what the service hands out and takes back: it is ours, unchanged and not too old."""

import hashlib
from functools import cache
from typing import Any

import orjson
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select

from service import db
from service.tables.secrets import Secret

CURSORS = "cursors"


def signer(key: bytes, purpose: str, **options: Any) -> Any:
    """HMAC-SHA256 under a key derived for this purpose: what is signed for one is void for all
    others. Texts are safe in an address, compressed where that helps, and hold their time."""
    return URLSafeTimedSerializer(
        key, salt=purpose, serializer=orjson,
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}, **options,
    )  # fmt: skip


@cache
def secret(name: str) -> bytes:
    """The same for every process of the service: the migrations made it, at random."""
    with db.new_session() as session:
        return session.scalars(select(Secret.value).where(Secret.name == name)).one()
