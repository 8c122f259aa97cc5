"""Keyset pages: an opaque, signed cursor says where the last page ended."""

from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from itsdangerous import BadData, SignatureExpired
from pydantic import BaseModel

from service.config import settings
from service.errors import BadRequest
from service.signing import CURSORS, secret, signer

Item = TypeVar("Item")

LimitQuery = Annotated[int, Query(ge=1, le=1000, description="items a page")]
CursorQuery = Annotated[str | None, Query(description="`next_cursor` of the page before")]


class Page(BaseModel, Generic[Item]):
    """`next_cursor` is null on the last page."""

    items: list[Item]
    next_cursor: str | None = None


def encode_cursor(scope: str, key: Any) -> str:
    """`scope` names the list that the cursor belongs to, its owner and what it is filtered and
    ordered by: it is refused for any other, and `cursor_hours` later."""
    return signed(scope).dumps(key).decode()


def decode_cursor(scope: str, cursor: str | None) -> Any:
    """The key that the page starts after; None for the first page. Raises BadRequest."""
    if cursor is None:
        return None
    try:
        return signed(scope).loads(cursor.encode(), max_age=int(settings.cursor_hours * 3600))
    except SignatureExpired:
        raise BadRequest("the cursor has expired: begin again", code="bad_cursor") from None
    except (BadData, UnicodeEncodeError):
        detail = "the cursor is damaged, or belongs to another list"
        raise BadRequest(detail, code="bad_cursor") from None


def signed(scope: str) -> Any:
    return signer(secret(CURSORS), f"cursor {scope}")


def page_of(rows: Sequence[Any], limit: int, scope: str, key: str) -> dict[str, Any]:
    """A page from up to limit + 1 rows; `key` is the attribute that the next page starts after."""
    more = len(rows) > limit
    kept = rows[:limit]
    return {
        "items": kept,
        "next_cursor": encode_cursor(scope, getattr(kept[-1], key)) if more else None,
    }
