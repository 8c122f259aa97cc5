"""Brings the database to the newest schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config

import migrations

CONFIG = Path(migrations.__file__).with_name("alembic.ini")


def upgrade() -> None:
    """Run the migrations that are missing. Safe to call from several processes at once."""
    command.upgrade(Config(CONFIG), "head")
