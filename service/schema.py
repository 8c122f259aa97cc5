"""Brings the database to the newest schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

import migrations
from service import db

CONFIG = Path(migrations.__file__).with_name("alembic.ini")


def upgrade() -> None:
    """Run the migrations that are missing. Safe to call from several processes at once."""
    command.upgrade(Config(CONFIG), "head")


def head() -> str:
    """The newest revision that this code knows."""
    return ScriptDirectory.from_config(Config(CONFIG)).get_current_head() or ""


def current() -> str | None:
    """The revision of the database; None where it was never migrated."""
    with db.new_session() as session:
        if session.scalar(text("SELECT to_regclass('alembic_version')")) is None:
            return None
        return session.scalar(text("SELECT version_num FROM alembic_version"))
