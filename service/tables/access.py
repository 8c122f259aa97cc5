"""Workspaces (tenants) and their API keys."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from service.tables.metadata import CreatedAt, RandomId, Table


class Workspace(Table):
    __tablename__ = "workspaces"

    id: Mapped[RandomId]
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[CreatedAt]


class ApiKey(Table):
    """Only the sha256 of a key is kept; `prefix` lets its owner recognise it."""

    __tablename__ = "api_keys"

    id: Mapped[RandomId]
    workspace_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Workspace.id, ondelete="CASCADE"))
    name: Mapped[str]
    prefix: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[CreatedAt]
    revoked_at: Mapped[datetime | None]
