"""Alembic migrations; the schema is built by these alone."""
