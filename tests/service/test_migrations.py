"""The migrations give the tables that the models describe, and each can be taken back."""

import uuid
from collections.abc import Iterator

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text

from service import db, schema
from service.tables import Table


@pytest.fixture
def empty() -> Iterator[Connection]:
    """A connection to a database of its own."""
    name = f"empty_{uuid.uuid4().hex[:8]}"
    outside = db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    outside.execute(text(f"CREATE DATABASE {name}"))
    engine = create_engine(db.engine.url.set(database=name))
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
        outside.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        outside.close()


def config(connection: Connection) -> Config:
    found = Config(schema.CONFIG)
    found.attributes["connection"] = connection
    return found


def test_there_is_one_newest_revision() -> None:
    assert len(ScriptDirectory.from_config(Config(schema.CONFIG)).get_heads()) == 1


def test_the_migrated_tables_are_those_of_the_models_also_after_going_down_and_up(
    empty: Connection,
) -> None:
    asked = config(empty)
    for _ in range(2):
        command.upgrade(asked, "head")
        found = compare_metadata(MigrationContext.configure(empty), Table.metadata)
        assert found == []
        command.downgrade(asked, "base")
        assert set(inspect(empty).get_table_names()) <= {"alembic_version"}
