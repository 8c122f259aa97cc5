"""A query parameter that a route does not know is refused: a typo in `where` keeps everything."""

from typing import Any

from starlette.requests import Request

from service.errors import Invalid

CODE = "unknown_parameter"


def known_only(request: Request) -> None:
    """A dependency of the routes that read or change data; clients of the viewer's routes, made for
    other servers, may send what those take.

    Raises Invalid.
    """
    if not request.query_params:
        return
    route = request.scope["route"]
    paths: dict[str, Any] = request.app.openapi()["paths"]
    described = paths.get(route.path_format, {}).get(request.method.lower(), {})
    known = [each["name"] for each in described.get("parameters", ()) if each["in"] == "query"]
    for name in request.query_params:
        if name not in known:
            said = f"it knows {', '.join(known)}" if known else "it has none"
            raise Invalid(f"no query parameter {name[:80]!r}: {said}", code=CODE, field=name[:80])
