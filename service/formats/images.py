"""Names images: by their URI or path, or by the hash of bytes that came inlined."""

import base64
import binascii
import hashlib
from typing import Any

from service.formats.record import RowError

# What base64 of JPEG, PNG, WebP and GIF files begins with.
INLINED = ("/9j/", "iVBORw0KGgo", "UklGR", "R0lGOD")


def image_uri(value: Any, name: str, url: Any = None) -> str:
    """The URI or path; for inlined bytes (base64, data: or {bytes, path}) the url, or a hash.

    The bytes themselves are not kept: `urn:sha256:…` tells which image it was.
    """
    if isinstance(value, dict):
        value = value.get("path") or value.get("url") or value.get("bytes")
    if isinstance(url, str) and url and (value is None or inlined(value)):
        return url
    if not isinstance(value, str) or not value:
        raise RowError("missing_field", f"{name} is neither an image's path nor its URL", name)
    if not inlined(value):
        return value
    try:
        found = base64.b64decode(value.split(",", 1)[-1], validate=True)
    except binascii.Error:
        raise RowError("wrong_type", f"{name} is no base64", name) from None
    return f"urn:sha256:{hashlib.sha256(found).hexdigest()}"


def inlined(value: Any) -> bool:
    return isinstance(value, str) and (
        value.startswith("data:") or (len(value) > 100 and value.startswith(INLINED))
    )
