"""Keyset pages: an opaque cursor says where the last page ended."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel

from service.errors import BadRequest

Item = TypeVar("Item")

LimitQuery = Annotated[int, Query(ge=1, le=1000, description="items a page")]
CursorQuery = Annotated[str | None, Query(description="`next_cursor` of the page before")]


class Page(BaseModel, Generic[Item]):
    """`next_cursor` is null on the last page."""

    items: list[Item]
    next_cursor: str | None = None


def encode_cursor(scope: str, key: Any) -> str:
    """`scope` names the list that the cursor belongs to: it is refused for any other."""
    return base64.urlsafe_b64encode(orjson.dumps([scope, key])).decode().rstrip("=")


def decode_cursor(scope: str, cursor: str | None) -> Any:
    """The key that the page starts after; None for the first page."""
    if cursor is None:
        return None
    try:
        found = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        belongs, key = found
    except (binascii.Error, orjson.JSONDecodeError, TypeError, ValueError):
        raise BadRequest("the cursor is damaged", code="bad_cursor") from None
    if belongs != scope:
        raise BadRequest("the cursor belongs to another list", code="bad_cursor")
    return key


def page_of(rows: Sequence[Any], limit: int, scope: str, key: str) -> dict[str, Any]:
    """A page from up to limit + 1 rows; `key` is the attribute that the next page starts after."""
    more = len(rows) > limit
    kept = rows[:limit]
    return {
        "items": kept,
        "next_cursor": encode_cursor(scope, getattr(kept[-1], key)) if more else None,
    }
