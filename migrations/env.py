"""Runs the migrations on the database of the settings, or on the connection that is handed in."""

from alembic import context
from sqlalchemy import Connection, create_engine, pool, text

from service.config import settings
from service.tables import Table

MIGRATION_LOCK = 0x70726566  # two processes that start at once migrate one after the other


def migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Table.metadata)
    with context.begin_transaction():
        connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    with create_engine(settings.sqlalchemy_url, poolclass=pool.NullPool).connect() as own:
        migrate(own)
