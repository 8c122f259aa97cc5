"""API keys: who is asking, and which workspace is theirs."""

import hashlib
import secrets
from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import select
from sqlalchemy.orm import Session

from service import db
from service.db import SessionDep
from service.errors import Unauthorized
from service.tables.access import ApiKey, Workspace

bearer = HTTPBearer(auto_error=False, description="Authorization: Bearer <key>")
header = APIKeyHeader(name="X-API-Key", auto_error=False)


def digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def create_key(session: Session, workspace: Workspace, name: str) -> str:
    """Make a key and return it; only its hash is kept, so this is the one time it is seen."""
    key = f"pfs_{secrets.token_urlsafe(32)}"
    session.add(ApiKey(workspace_id=workspace.id, name=name, prefix=key[:8], digest=digest(key)))
    return key


Bearer = Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]
Header = Annotated[str | None, Security(header)]


def workspace_of(session: Session, key: str | None) -> Workspace:
    """The workspace of an API key. Raises Unauthorized without a valid one."""
    if not key:
        raise Unauthorized("this route needs an API key: Authorization: Bearer <key>")
    workspace = session.scalar(
        select(Workspace)
        .join(ApiKey)
        .where(ApiKey.digest == digest(key), ApiKey.revoked_at.is_(None))
    )
    if workspace is None:
        raise Unauthorized("unknown or revoked API key")
    return workspace


def current_workspace(session: SessionDep, token: Bearer, key: Header) -> Workspace:
    """The workspace of the key in the request; 401 without a valid one."""
    return workspace_of(session, token.credentials if token else key)


def streaming_workspace(token: Bearer, key: Header) -> Workspace:
    """The same, but no connection is held while the endpoint streams."""
    with db.new_session() as session:
        return workspace_of(session, token.credentials if token else key)


WorkspaceDep = Annotated[Workspace, Depends(current_workspace, scope="function")]
StreamingWorkspaceDep = Annotated[Workspace, Depends(streaming_workspace)]
