"""Errors that know their HTTP status, rendered as application/problem+json."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, OperationalError
from starlette.exceptions import HTTPException

from curation.misfits import in_words

MEDIA_TYPE = "application/problem+json"
UNREAD = (408, 413, 415)  # the rest of the request's body is of no use to anybody


class ServiceError(Exception):
    """`code` is stable and for machines; the message is for people."""

    status = 500
    code = "internal_error"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(detail)
        self.code = code or self.code
        self.headers = dict(headers or {})
        self.fields = fields

    def problem(self) -> dict[str, Any]:
        """The body: also what a failed job stores as its error."""
        return {
            "type": f"urn:prefsift:error:{self.code}",
            "title": self.code.replace("_", " "),
            "status": self.status,
            "code": self.code,
            "detail": str(self),
            **self.fields,
        }


class BadRequest(ServiceError):
    status, code = 400, "bad_request"


class Unauthorized(ServiceError):
    status, code = 401, "unauthorized"


class NotFound(ServiceError):
    status, code = 404, "not_found"


class Conflict(ServiceError):
    status, code = 409, "conflict"


class Gone(ServiceError):
    """It was there, and what the request wants of it can't be made again."""

    status, code = 410, "gone"


class TooLarge(ServiceError):
    status, code = 413, "too_large"


class UnsupportedFile(ServiceError):
    status, code = 415, "unsupported_file"


class Invalid(ServiceError):
    """The request is well-formed and wrong; `line` and `field` point at the place in a file."""

    status, code = 422, "invalid"


class Locked(ServiceError):
    status, code = 423, "locked"


class Unavailable(ServiceError):
    status, code = 503, "unavailable"


def respond(error: ServiceError) -> JSONResponse:
    headers = error.headers
    if error.status == 503:
        headers["Retry-After"] = "2"
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if error.status in UNREAD:
        headers["Connection"] = "close"
    return JSONResponse(error.problem(), error.status, headers, media_type=MEDIA_TYPE)


def service_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ServiceError)
    return respond(error)


def invalid_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"field": ".".join(map(str, found["loc"])), "message": in_words(found)}
        for found in error.errors()
    ]
    detail = "; ".join(f"{found['field']}: {found['message']}" for found in errors[:5])
    return respond(Invalid(detail, code="invalid_request", errors=errors))


def routing_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, RecursionError):
        return respond(Invalid("the body is nested too deeply", code="json_too_deep"))
    codes = {
        404: "not_found", 405: "method_not_allowed", 408: "too_slow", 413: "too_large",
    }  # fmt: skip
    code = codes.get(error.status_code, "http_error")
    said = str(error.detail)
    if error.status_code == 404:
        said = f"there is no {request.method} {request.url.path[:200]}: the routes are under /docs"
    found = ServiceError(said, code=code)
    found.status = error.status_code
    return respond(found)


def bad_value(_: Request, __: Exception) -> JSONResponse:
    """A NUL in a query, a key in a forged cursor: what no column can be compared with."""
    return respond(BadRequest("the request holds a value of the wrong kind", code="bad_value"))


def database_away(_: Request, __: Exception) -> JSONResponse:
    return respond(Unavailable("the database does not answer", code="database_unavailable"))


def unforeseen(_: Request, __: Exception) -> JSONResponse:
    """The error itself goes to the log, not to the caller."""
    return respond(ServiceError("something went wrong here, not in the request"))


def install(app: FastAPI) -> None:
    """Render every error the same way."""
    app.add_exception_handler(ServiceError, service_error)
    app.add_exception_handler(RequestValidationError, invalid_request)
    app.add_exception_handler(HTTPException, routing_error)
    app.add_exception_handler(DataError, bad_value)
    app.add_exception_handler(OperationalError, database_away)
    app.add_exception_handler(Exception, unforeseen)
