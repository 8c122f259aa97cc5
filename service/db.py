"""The engine, and one session per request."""

from collections.abc import Iterator
from typing import Annotated

import orjson
from fastapi import Depends, Request
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from service.config import settings

engine = create_engine(
    settings.sqlalchemy_url or "postgresql+psycopg://",
    pool_pre_ping=True,
    pool_size=10,
    json_deserializer=orjson.loads,  # 1e30 comes back as written, not as an integer of 31 digits
)
new_session = sessionmaker(engine, expire_on_commit=False)


def request_session(request: Request) -> Iterator[Session]:
    """Yield a session that commits when the endpoint returns and rolls back when it raises.

    One that the route has opened before (`service.routes.idempotent`) is the route's to commit.
    """
    given: Session | None = getattr(request.state, "session", None)
    if given is not None:
        yield given
        return
    with new_session.begin() as session:
        yield session


# scope="function": the commit happens before the response leaves, so a 201 is never a lie.
SessionDep = Annotated[Session, Depends(request_session, scope="function")]
